#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "crypto/certificate.h"
#include "enrolment/messages.h"
#include "host/host.h"
#include "tpm/public_area.h"

// What every Host must do. A test program names its hosts by INSTANTIATE_TEST_SUITE_P(Name, HostContract, ...).
namespace slipway::host {

struct HostUnderTest {
  // A host on this state folder; called again for the same folder, as after a restart of slipwayd.
  std::function<std::unique_ptr<Host>(const std::filesystem::path& state)> make;
  // An image that VMs can be made from; nothing needs to boot from it.
  std::function<std::filesystem::path(const std::filesystem::path& folder)> make_image;
};

class HostContract : public ::testing::TestWithParam<HostUnderTest> {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("slipway host " + make_uuid(random_));
    std::filesystem::create_directories(folder_);
    host_ = GetParam().make(folder_);
    ASSERT_NE(host_, nullptr);
    image_ = GetParam().make_image(folder_);
  }

  void TearDown() override {
    if (host_) {
      for (const std::string& instance : host_->list().value_or(std::vector<std::string>{})) {
        EXPECT_TRUE(host_->remove_vm(instance));
      }
      for (const char* cluster : {kCluster, kOtherCluster}) EXPECT_TRUE(host_->remove_network(cluster));
    }
    host_.reset();
    std::filesystem::remove_all(folder_);
  }

  void restart_slipwayd() {
    host_.reset();
    host_ = GetParam().make(folder_);
    ASSERT_NE(host_, nullptr);
  }

  VirtualMachine machine(bool secure_boot, bool vtpm) {
    VirtualMachine vm;
    vm.instance = make_uuid(random_);
    vm.name = "slipway-contract-" + vm.instance;
    vm.shape = {1, 512};
    vm.secure_boot = secure_boot;
    vm.vtpm = vtpm;
    vm.image = image_;
    const auto network = host_->ensure_network(kCluster);
    EXPECT_TRUE(network) << network.error().message;
    vm.network = network ? network->name : "";
    // Nobody answers there: the node stays as it is.
    vm.bootstrap = enrolment::to_json(enrolment::Bootstrap{vm.instance, "https://127.0.0.1:9", Bytes(32, 1), ""});
    return vm;
  }

  static constexpr const char* kCluster = "/subscriptions/1/managedClusters/contract";
  static constexpr const char* kOtherCluster = "/subscriptions/1/managedClusters/other";
  SystemRandom random_;
  std::filesystem::path folder_, image_;
  std::unique_ptr<Host> host_;
};

TEST_P(HostContract, ProbeSaysWhatItRunsOnAndWhy) {
  const auto capabilities = host_->probe();
  ASSERT_TRUE(capabilities) << capabilities.error().message;
  EXPECT_FALSE(capabilities->accelerator.empty());
  EXPECT_FALSE(capabilities->explanation.empty());
  EXPECT_EQ(capabilities->explanation.find('\n'), std::string::npos);
  EXPECT_FALSE(capabilities->machine_type.empty());
}

TEST_P(HostContract, NetworkIsTheSameForOneClusterAndAnotherForAnother) {
  const auto first = host_->ensure_network(kCluster);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_LE(first->bridge.size(), 15U);
  const auto other = host_->ensure_network(kOtherCluster);
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_NE(first->name, other->name);
  EXPECT_NE(first->bridge, other->bridge);
  restart_slipwayd();
  const auto again = host_->ensure_network(kCluster);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(first->name, again->name);
  EXPECT_EQ(first->bridge, again->bridge);
  EXPECT_EQ(first->gateway, again->gateway);
  EXPECT_EQ(first->cidr, again->cidr);
}

TEST_P(HostContract, PortsAreOpenedOnNetworksThatExist) {
  EXPECT_EQ(host_->allow_gateway_port(kCluster, 15443).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(host_->ensure_network(kCluster));
  const auto opened = host_->allow_gateway_port(kCluster, 15443);
  EXPECT_TRUE(opened) << opened.error().message;
  EXPECT_TRUE(host_->allow_gateway_port(kCluster, 15443));
  EXPECT_EQ(host_->allow_gateway_port(kCluster, 65536).error().code, ErrorCode::kInvalidArgument);
}

TEST_P(HostContract, RemovingANetworkTwiceIsFine) {
  ASSERT_TRUE(host_->ensure_network(kCluster));
  EXPECT_TRUE(host_->remove_network(kCluster));
  EXPECT_TRUE(host_->remove_network(kCluster));
  EXPECT_EQ(host_->allow_gateway_port(kCluster, 15443).error().code, ErrorCode::kNotFound);
}

TEST_P(HostContract, EndorsementKeyIsRecordedOnceAndItsCertificateSaysWhose) {
  const std::string instance = make_uuid(random_);
  EXPECT_EQ(host_->vtpm(instance).error().code, ErrorCode::kNotFound);
  const auto recorded = host_->ensure_vtpm(instance);
  ASSERT_TRUE(recorded) << recorded.error().message;
  const auto key = tpm::check_endorsement_key(recorded->public_area);
  ASSERT_TRUE(key) << key.error().message;
  const auto certificate = crypto::Certificate::from_pem(recorded->certificate);
  ASSERT_TRUE(certificate) << certificate.error().message;
  EXPECT_EQ(certificate->common_name(), instance);
  EXPECT_EQ(certificate->public_key()->fingerprint(), key->fingerprint());

  restart_slipwayd();
  const auto again = host_->ensure_vtpm(instance);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->public_area, recorded->public_area);
  EXPECT_EQ(again->certificate, recorded->certificate);
  EXPECT_EQ(again->authority, recorded->authority);
  const auto known = host_->vtpm(instance);
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_EQ(known->public_area, recorded->public_area);
  EXPECT_EQ(known->certificate, recorded->certificate);
  EXPECT_EQ(known->authority, recorded->authority);
  EXPECT_NE(host_->ensure_vtpm(make_uuid(random_))->public_area, recorded->public_area);
}

TEST_P(HostContract, VmWithAVtpmNeedsItsKeyRecordedFirst) {
  const VirtualMachine vm = machine(true, true);
  const auto refused = host_->ensure_vm(vm);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPreconditionFailed);
  EXPECT_EQ(host_->observe(vm.instance)->power, PowerState::kAbsent);
}

TEST_P(HostContract, VmNeedsANetworkOfOurs) {
  VirtualMachine vm = machine(true, false);
  vm.network = "default";
  EXPECT_EQ(host_->ensure_vm(vm).error().code, ErrorCode::kNotFound);
}

TEST_P(HostContract, VmLivesUntilItIsRemovedAndOutlivesSlipwayd) {
  const VirtualMachine vm = machine(true, true);
  ASSERT_TRUE(host_->ensure_vtpm(vm.instance));
  const auto made = host_->ensure_vm(vm);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(host_->ensure_vm(vm)) << "asked twice";
  EXPECT_EQ(host_->observe(vm.instance)->power, PowerState::kRunning);
  EXPECT_EQ(host_->list().value(), std::vector<std::string>{vm.instance});

  restart_slipwayd();
  EXPECT_EQ(host_->observe(vm.instance)->power, PowerState::kRunning);
  EXPECT_EQ(host_->list().value(), std::vector<std::string>{vm.instance});
  const auto restarted = host_->restart_vm(vm.instance);
  EXPECT_TRUE(restarted) << restarted.error().message;
  EXPECT_EQ(host_->observe(vm.instance)->power, PowerState::kRunning);

  const auto removed = host_->remove_vm(vm.instance);
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_TRUE(host_->remove_vm(vm.instance)) << "absent is fine";
  EXPECT_EQ(host_->observe(vm.instance)->power, PowerState::kAbsent);
  EXPECT_TRUE(host_->list()->empty());
}

TEST_P(HostContract, SecureBootIsSeenFromOutside) {
  const VirtualMachine on = machine(true, false), off = machine(false, false);
  for (const VirtualMachine& vm : {on, off}) {
    const auto made = host_->ensure_vm(vm);
    ASSERT_TRUE(made) << made.error().message;
  }
  const auto seen_on = host_->observe_firmware(on.instance), seen_off = host_->observe_firmware(off.instance);
  ASSERT_TRUE(seen_on) << seen_on.error().message;
  ASSERT_TRUE(seen_off) << seen_off.error().message;
  EXPECT_TRUE(seen_on->secure_boot_enabled);
  EXPECT_FALSE(seen_off->secure_boot_enabled);
  EXPECT_EQ(seen_on->firmware_sha256.size(), 32U);
  EXPECT_FALSE(seen_on->detail.empty());
}

TEST_P(HostContract, WhatDoesNotExistIsSaidSo) {
  const std::string nobody = make_uuid(random_);
  EXPECT_EQ(host_->observe(nobody)->power, PowerState::kAbsent);
  EXPECT_EQ(host_->observe_firmware(nobody).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(host_->inspect_disk(nobody, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(host_->restart_vm(nobody).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(host_->remove_vm(nobody));
}

TEST_P(HostContract, InstanceIdsThatAreNoUuidAreRefused) {
  for (const char* bad : {"", "..", "../../../etc", "11111111-2222-4333-8444-55555555555G"}) {
    EXPECT_EQ(host_->ensure_vtpm(bad).error().code, ErrorCode::kInvalidArgument) << bad;
    EXPECT_EQ(host_->vtpm(bad).error().code, ErrorCode::kInvalidArgument) << bad;
    EXPECT_EQ(host_->remove_vm(bad).error().code, ErrorCode::kInvalidArgument) << bad;
    EXPECT_EQ(host_->observe(bad).error().code, ErrorCode::kInvalidArgument) << bad;
  }
}

TEST_P(HostContract, VtpmWithoutItsVmIsListedAndRemoved) {
  const std::string instance = make_uuid(random_);
  const auto before = host_->ensure_vtpm(instance);
  ASSERT_TRUE(before);
  EXPECT_EQ(host_->list().value(), std::vector<std::string>{instance});
  ASSERT_TRUE(host_->remove_vm(instance));
  EXPECT_TRUE(host_->list()->empty());
  EXPECT_NE(host_->ensure_vtpm(instance)->public_area, before->public_area) << "a removed key never comes back";
}

TEST_P(HostContract, FirmwareReferenceIsTheSameWhenAskedAgain) {
  const auto first = host_->firmware_reference({1, 512}, true);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_GE(first->pcr0_events.size(), 2U);
  for (const Bytes& digest : first->pcr0_events) EXPECT_EQ(digest.size(), 32U);
  EXPECT_EQ(first->firmware_sha256.size(), 32U);
  EXPECT_EQ(first->variables.platform_key_sha256.size(), 32U);
  restart_slipwayd();
  const auto again = host_->firmware_reference({1, 512}, true);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->pcr0_events, first->pcr0_events);
  EXPECT_EQ(again->firmware_sha256, first->firmware_sha256);
}

}  // namespace slipway::host
