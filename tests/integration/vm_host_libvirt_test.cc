#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sstream>

#include "files/file.h"
#include "host/host_contract.h"
#include "host/libvirt/guest_memory.h"
#include "host/libvirt/handles.h"
#include "host/libvirt/libvirt_host.h"
#include "host/process.h"

// The contract of a host, kept by libvirt's VMs on this machine, and what only real ones can show.
namespace slipway::host {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

SystemRandom system_random;
const SystemClock system_clock;

std::filesystem::path calibration_cache() {
  return std::filesystem::temp_directory_path() / "slipway-test-calibrations";
}

HostUnderTest libvirt_host() {
  return {.make = [](const std::filesystem::path& state) -> std::unique_ptr<Host> {
            auto host = make_libvirt_host({.state_folder = state,
                                           .cache_folder = calibration_cache(),
                                           .random = system_random,
                                           .clock = system_clock});
            EXPECT_TRUE(host) << host.error().message;
            return host ? std::move(*host) : nullptr;
          },
          .make_image =
              [](const std::filesystem::path& folder) {
                const auto image = folder / "image.qcow2";
                EXPECT_TRUE(run_checked({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", image.native(), "64M"}}));
                return image;
              }};
}

INSTANTIATE_TEST_SUITE_P(Libvirt, HostContract, ::testing::Values(libvirt_host()));

class LibvirtHostTest : public HostContract {
 protected:
  // What virsh says; empty and a failed test where it fails.
  std::string virsh(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"virsh", "--connect", "qemu:///system"});
    auto said = run_checked({.argv = std::move(arguments)});
    EXPECT_TRUE(said) << said.error().message;
    return said.value_or("");
  }
  std::string installation() {
    const auto text = files::read_file(folder_ / "host/installation", 64);
    return text ? std::string(as_text(*text)) : "";
  }
  // Asks until the answer holds or the time is over.
  template <typename Predicate>
  bool eventually(seconds limit, Predicate holds) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < deadline) {
      if (holds()) return true;
      ::usleep(250'000);
    }
    return holds();
  }
};

INSTANTIATE_TEST_SUITE_P(Libvirt, LibvirtHostTest, ::testing::Values(libvirt_host()));

TEST_P(LibvirtHostTest, TheStateFolderAndTheAuthoritysKeyAreClosed) {
  ASSERT_TRUE(host_->ensure_vtpm(make_uuid(system_random)));
  struct stat found {};
  ASSERT_EQ(::stat((folder_ / "host").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0077, 0U);
  ASSERT_EQ(::stat((folder_ / "host/vtpm-authority/key.pem").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  EXPECT_EQ(found.st_uid, 0U);
}

TEST_P(LibvirtHostTest, TheBootstrapIsNeitherOnACommandLineNorReadableByOthers) {
  VirtualMachine vm = machine(true, false);
  enrolment::Bootstrap bootstrap{vm.instance, "https://127.0.0.1:9", Bytes(32, 1), std::string(64, 'b')};
  vm.bootstrap = enrolment::to_json(bootstrap);
  const auto made = host_->ensure_vm(vm);
  ASSERT_TRUE(made) << made.error().message;
  const auto processes = run_checked({.argv = {"ps", "-eww", "-o", "args"}, .maximum_output = 16U << 20});
  ASSERT_TRUE(processes);
  EXPECT_THAT(*processes, HasSubstr(vm.name));
  EXPECT_THAT(*processes, Not(HasSubstr(to_base64(as_bytes(vm.bootstrap)).substr(0, 40))));
  EXPECT_THAT(virsh({"dumpxml", "--security-info", vm.name}),
              Not(HasSubstr(to_base64(as_bytes(vm.bootstrap)).substr(0, 40))));
  struct stat found {};
  const auto file = std::filesystem::path("/var/lib/libvirt/slipway") / installation() / vm.instance / "bootstrap";
  ASSERT_EQ(::stat(file.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0077, 0U);
}

TEST_P(LibvirtHostTest, TheTpmThatTheVmGotIsTheOneThatWasRecorded) {
  const VirtualMachine vm = machine(true, true);
  ASSERT_TRUE(host_->ensure_vtpm(vm.instance));
  const auto state = std::filesystem::path("/var/lib/libvirt/swtpm") / vm.instance / "tpm2/tpm2-00.permall";
  const auto before = files::read_file(state, 1U << 20);
  ASSERT_TRUE(before);
  const auto made = host_->ensure_vm(vm);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_TRUE(host_->restart_vm(vm.instance));
  // A TPM writes its state at each start; its seeds and the EK with its certificate stay where they are. A state made
  // anew by libvirt would have none of the certificate's bytes.
  const auto after = files::read_file(state, 1U << 20);
  ASSERT_TRUE(after);
  const auto der = crypto::Certificate::from_pem(host_->ensure_vtpm(vm.instance)->certificate)->der();
  EXPECT_NE(std::search(before->begin(), before->end(), der.begin(), der.end()), before->end());
  EXPECT_NE(std::search(after->begin(), after->end(), der.begin(), der.end()), after->end());
}

TEST_P(LibvirtHostTest, RemovingAVmLeavesNothingOfIt) {
  const VirtualMachine vm = machine(true, true);
  ASSERT_TRUE(host_->ensure_vtpm(vm.instance));
  const auto made = host_->ensure_vm(vm);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_TRUE(host_->remove_vm(vm.instance));
  EXPECT_THAT(virsh({"list", "--all", "--uuid"}), Not(HasSubstr(vm.instance)));
  EXPECT_FALSE(std::filesystem::exists("/var/lib/libvirt/swtpm/" + vm.instance));
  const auto machines = std::filesystem::path("/var/lib/libvirt/slipway") / installation();
  EXPECT_FALSE(std::filesystem::exists(machines)) << "with the base that nothing uses any more";
}

TEST_P(LibvirtHostTest, FirmwareSpeaksAndFindsNothingToBoot) {
  const VirtualMachine vm = machine(true, true);
  ASSERT_TRUE(host_->ensure_vtpm(vm.instance));
  ASSERT_TRUE(host_->ensure_vm(vm));
  EXPECT_TRUE(eventually(seconds{180}, [&] {
    return host_->observe(vm.instance)->console_tail.find("No bootable option") != std::string::npos;
  })) << host_->observe(vm.instance)->console_tail;
  EXPECT_THAT(host_->observe(vm.instance)->console_tail, Not(HasSubstr("PXE")));
  EXPECT_TRUE(host_->observe_firmware(vm.instance)->secure_boot_enabled) << "as the firmware has left the store";
}

// The events of PCR 0 that a running VM's firmware has logged; none while it has not closed that PCR.
std::vector<Bytes> logged_pcr0_events(const VirtualMachine& vm) {
  const ConnectionHandle connection(virConnectOpen("qemu:///system"));
  const DomainHandle domain(virDomainLookupByUUIDString(connection.get(), vm.instance.c_str()));
  const MemoryReader read = [&](std::uint64_t address, std::size_t size) -> Result<Bytes> {
    Bytes bytes(size);
    if (virDomainMemoryPeek(domain.get(), address, size, bytes.data(), VIR_MEMORY_PHYSICAL) == 0) return bytes;
    return fail(libvirt_error("memory"));
  };
  const auto address = find_event_log(read, vm.shape.memory_mib);
  if (!address || !*address) return {};
  const auto memory = read(**address, 65536);
  if (!memory) return {};
  const auto digests = closed_pcr0_events(*memory);
  return digests && *digests ? **digests : std::vector<Bytes>{};
}

TEST_P(LibvirtHostTest, CalibrationGivesWhatANodesFirmwareMeasures) {
  for (const bool secure_boot : {true, false}) {
    const VirtualMachine vm = machine(secure_boot, true);
    const auto reference = host_->firmware_reference(vm.shape, secure_boot);
    ASSERT_TRUE(reference) << reference.error().message;
    EXPECT_EQ(reference->pcr0_events.size(), 4U) << "version, two firmware volumes, separator";
    ASSERT_TRUE(host_->ensure_vtpm(vm.instance));
    const auto made = host_->ensure_vm(vm);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(eventually(
        seconds{180}, [&] { return host_->observe(vm.instance)->console_tail.find("BdsDxe") != std::string::npos; }));
    EXPECT_EQ(logged_pcr0_events(vm), reference->pcr0_events)
        << "with a disk and a network, Secure Boot " << secure_boot;
    ASSERT_TRUE(host_->remove_vm(vm.instance));
  }
}

// A namespace on the bridge stands for a guest.
class GatewayTest : public LibvirtHostTest {
 protected:
  void SetUp() override {
    LibvirtHostTest::SetUp();
    network_ = host_->ensure_network(kCluster).value();
    suffix_ = network_.name.substr(network_.name.size() - 4);
    const std::string inside = network_.gateway.substr(0, network_.gateway.rfind('.') + 1) + "9/24";
    ip({"netns", "add", "slpt-" + suffix_});
    ip({"link", "add", "slpt-" + suffix_, "type", "veth", "peer", "name", "guest", "netns", "slpt-" + suffix_});
    ip({"link", "set", "slpt-" + suffix_, "master", network_.bridge, "up"});
    ip({"-n", "slpt-" + suffix_, "address", "add", inside, "dev", "guest"});
    ip({"-n", "slpt-" + suffix_, "link", "set", "guest", "up"});
    ip({"-n", "slpt-" + suffix_, "route", "add", "default", "via", network_.gateway});
  }
  void TearDown() override {
    ip({"netns", "delete", "slpt-" + suffix_});
    LibvirtHostTest::TearDown();
  }
  void ip(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "ip");
    const auto done = run_checked({.argv = std::move(arguments)});
    ASSERT_TRUE(done) << done.error().message;
  }
  bool guest_reaches(const std::string& address, int port) {
    const std::string target = "/dev/tcp/" + address + "/" + std::to_string(port);
    const auto result = run_process(
        {.argv = {"ip", "netns", "exec", "slpt-" + suffix_, "timeout", "5", "bash", "-c", "exec 3<>\"$0\"", target}});
    return result && result->exit_code == 0;
  }
  static files::Descriptor listen_on_all(int& port) {
    files::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket.get(), 16), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
    return socket;
  }
  // An IPv4 address of this machine that is not of the bridge.
  static std::string other_address() {
    const auto said = run_checked({.argv = {"hostname", "-I"}});
    std::istringstream words(said.value_or(""));
    std::string word;
    while (words >> word) {
      if (word.find('.') != std::string::npos && word.substr(0, 6) != "10.77.") return word;
    }
    return {};
  }

  Network network_;
  std::string suffix_;
};

INSTANTIATE_TEST_SUITE_P(Libvirt, GatewayTest, ::testing::Values(libvirt_host()));

TEST_P(GatewayTest, OnlyOpenedPortsAnswerAndOnlyOnTheGateway) {
  int port = 0, shut = 0;
  const files::Descriptor listener = listen_on_all(port), other = listen_on_all(shut);
  EXPECT_FALSE(guest_reaches(network_.gateway, port)) << "not opened yet";
  const auto opened = host_->allow_gateway_port(kCluster, port);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_TRUE(guest_reaches(network_.gateway, port));
  EXPECT_FALSE(guest_reaches(network_.gateway, shut));
  EXPECT_TRUE(guest_reaches(network_.gateway, 53)) << "DNS";
  if (const std::string address = other_address(); !address.empty()) {
    EXPECT_FALSE(guest_reaches(address, port)) << "another address of the host: " << address;
  }
}

TEST_P(GatewayTest, TheGuardGoesWithTheNetwork) {
  const auto tables = [] { return run_checked({.argv = {"nft", "list", "tables"}}).value_or(""); };
  EXPECT_THAT(tables(), HasSubstr("slipway_" + suffix_));
  ASSERT_TRUE(host_->remove_network(kCluster));
  EXPECT_THAT(tables(), Not(HasSubstr("slipway_" + suffix_)));
}

}  // namespace
}  // namespace slipway::host
