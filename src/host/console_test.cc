#include "host/console.h"

#include <gtest/gtest.h>

#include <string>

namespace slipway::host {
namespace {

TEST(ConsoleTail, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(console_tail(as_bytes("ok\r\n\x1b[2J\x1b]0;evil\x07tail\xff")), "ok\n0;evil\\x07tail\\xff");
  EXPECT_EQ(console_tail(as_bytes("cut\x1b[12")), "cut");
  EXPECT_EQ(console_tail(as_bytes("cut\x1b")), "cut");
}

TEST(ConsoleTail, IsBounded) {
  EXPECT_EQ(console_tail(as_bytes(std::string(100'000, 'a') + "end")), std::string(kConsoleTail - 3, 'a') + "end");
  EXPECT_LE(console_tail(Bytes(100'000, 0xff)).size(), 4 * kConsoleTail);
}

TEST(BootRefusal, FirmwareRefusesShim) {
  EXPECT_EQ(
      find_boot_refusal(as_bytes(
          "\x1b[2J\x1b[01;01HBdsDxe: failed to load Boot0002 \"UEFI Misc Device\" from PciRoot(0x0): Access Denied\r\n"
          "BdsDxe: loading Boot0001 \"EFI Internal Shell\"\r\n"
          "BdsDxe: failed to load Boot0001 \"EFI Internal Shell\": Security Violation\r\n")),
      "BdsDxe: failed to load Boot0002 \"UEFI Misc Device\" from PciRoot(0x0): Access Denied");
}

TEST(BootRefusal, ShimRefusesGrubInItsDialog) {
  EXPECT_EQ(
      find_boot_refusal(as_bytes("BdsDxe: starting Boot0001\r\n\x1b[10;30H ERROR \x1b[12;20H  Verification failed: "
                                 "(0x1A) Security Violation  \x1b[14;39H OK ")),
      "Verification failed: (0x1A) Security Violation");
}

TEST(BootRefusal, GrubRefusesTheKernel) {
  EXPECT_EQ(find_boot_refusal(as_bytes("error: bad shim signature.\r\nerror: you need to load the kernel first.\r\n")),
            "error: bad shim signature.");
}

TEST(BootRefusal, StartedKernelWasNotRefused) {
  EXPECT_EQ(find_boot_refusal(as_bytes("BdsDxe: failed to load Boot0001 \"UEFI PXE\": Access Denied\n"
                                       "BdsDxe: starting Boot0002\nEFI stub: UEFI Secure Boot is enabled.\n")),
            "");
}

TEST(BootRefusal, GuestsWordsAfterItsKernelStartedDoNotCount) {
  EXPECT_EQ(find_boot_refusal(as_bytes("EFI stub: Loaded initrd\n[ 1.0] module: bad shim signature\n")), "");
}

TEST(BootRefusal, IsOfTheLastBoot) {
  EXPECT_EQ(find_boot_refusal(as_bytes("EFI stub: Loaded initrd\nreboot\nBdsDxe: loading Boot0002 \"disk\"\n"
                                       "error: bad shim signature.\n")),
            "error: bad shim signature.");
}

TEST(BootRefusal, OrdinaryConsoleHasNone) {
  EXPECT_EQ(find_boot_refusal(as_bytes("BdsDxe: loading Boot0002\nBdsDxe: starting Boot0002\nWelcome to GRUB!\n")), "");
  EXPECT_EQ(find_boot_refusal({}), "");
  EXPECT_EQ(find_boot_refusal(as_bytes("audit: Access Denied for user\n")), "");
}

TEST(BootRefusal, IsEscapedAndBounded) {
  const std::string refusal = find_boot_refusal(as_bytes("bad shim signature \x01" + std::string(1000, 'x')));
  EXPECT_EQ(refusal.size(), 200U);
  EXPECT_NE(refusal.find("\\x01"), std::string::npos);
}

}  // namespace
}  // namespace slipway::host
