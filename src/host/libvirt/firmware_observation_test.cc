#include "host/libvirt/firmware_observation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files/file.h"

namespace slipway::host {
namespace {

using ::testing::HasSubstr;

const Bytes kFirmware(32, 1);

// Debian's own variable stores, of the package ovmf.
Result<Bytes> debian_store(const char* name) {
  return files::read_file(std::filesystem::path("/usr/share/OVMF") / name, 16U << 20);
}

TEST(JudgeVariableStore, EnrolledKeysMeanOn) {
  const auto store = debian_store("OVMF_VARS_4M.ms.fd");
  ASSERT_TRUE(store) << "the package ovmf is not installed; tools/install-packages unit";
  const auto on = judge_variable_store(*store, kFirmware, true);
  ASSERT_TRUE(on) << on.error().message;
  EXPECT_TRUE(on->secure_boot_enabled);
  EXPECT_EQ(on->revocations, 1);
  EXPECT_THAT(on->detail, HasSubstr("old, vulnerable loaders may boot"));
  EXPECT_EQ(on->platform_key_sha256.size(), 32U);
  EXPECT_EQ(on->key_exchange_keys_sha256.size(), 32U);
  EXPECT_EQ(on->db_sha256.size(), 32U);
  EXPECT_EQ(on->dbx_sha256.size(), 32U);
  EXPECT_EQ(on->firmware_sha256, kFirmware);
  EXPECT_FALSE(judge_variable_store(*store, kFirmware, false)->secure_boot_enabled);
}

TEST(JudgeVariableStore, NoPlatformKeyMeansOff) {
  const auto store = debian_store("OVMF_VARS_4M.fd");
  ASSERT_TRUE(store) << "the package ovmf is not installed; tools/install-packages unit";
  const auto off = judge_variable_store(*store, kFirmware, true);
  ASSERT_TRUE(off) << off.error().message;
  EXPECT_FALSE(off->secure_boot_enabled);
  EXPECT_THAT(off->detail, HasSubstr("no platform key"));
  EXPECT_TRUE(off->platform_key_sha256.empty());
}

TEST(JudgeVariableStore, BrokenStoreIsAnErrorAndNotOff) {
  EXPECT_FALSE(judge_variable_store(Bytes(540'672, 0), kFirmware, true));
}

}  // namespace
}  // namespace slipway::host
