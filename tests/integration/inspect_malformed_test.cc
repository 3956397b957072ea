#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "bootchain/corpus_for_tests.h"
#include "slipway_command.h"
#include "tpm/public_area.h"

// Each verb without a server, and each of its options that takes a file, given a malformed one: exit status 2, nothing
// on standard output, and one line with the file's name and a byte offset.
namespace slipway {
namespace {

namespace fs = std::filesystem;

constexpr const char* kQuoted = "boots/debian12-ovmf-verity/";
constexpr const char* kBoot = "boots/debian12-ovmf-minimal-secureboot-on/";

class MalformedInput : public SlipwayCommand {
 protected:
  // Gives the file's name in quotes for the shell.
  std::string write(const std::string& name, ByteView content) const {
    return fmt::format("'{}'", SlipwayCommand::write(name, content));
  }

  void expect_one_line_with_an_offset(const std::string& words, const std::string& where = {}) const {
    const Ran ran = slipway(words);
    EXPECT_EQ(ran.status, 2) << words << "\n" << ran.complaint;
    EXPECT_EQ(ran.output, "") << words;
    EXPECT_EQ(std::count(ran.complaint.begin(), ran.complaint.end(), '\n'), 1) << words << "\n" << ran.complaint;
    EXPECT_TRUE(std::regex_search(ran.complaint, std::regex(" at (offset|byte) [0-9]+"))) << words << "\n"
                                                                                          << ran.complaint;
    EXPECT_NE(ran.complaint.find(where), std::string::npos) << words << "\n" << where << "\n" << ran.complaint;
    EXPECT_NE(ran.complaint.find("bad"), std::string::npos) << "the file's name: " << ran.complaint;
  }
};

Bytes cut(const std::string& name) {
  Bytes bytes = bootchain::read_corpus(name);
  bytes.resize(bytes.size() - 1);
  return bytes;
}

// A disk of 64 KiB whose partition table is good but for one byte.
Bytes disk_with(std::size_t at, std::uint8_t value) {
  Bytes disk = bootchain::read_corpus("fuzz/gpt/small-disk-start.img");
  disk.resize(64 << 10, 0);
  disk[at] = value;
  return disk;
}

Bytes changed(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return to_bytes(text.replace(at, what.size(), with));
}

TEST_F(MalformedInput, OfEachVerbAndOptionIsOneLineWithAnOffset) {
  const std::string good_quote = std::string("inspect quote ") + kQuoted + "q.msg ";
  const std::string good_pe = "inspect pe fuzz/pe_image/small-shim.efi ";
  const std::string store = "fuzz/variable_store/small.fd";
  const std::string manifest(as_text(bootchain::read_corpus(std::string(kBoot) + "manifest.json")));
  Bytes small_key = tpm::marshal_public_area(
      tpm::attestation_key_area(crypto::PrivateKey::generate_rsa2048().public_key().rsa_numbers().value()));
  small_key[16] = 4;  // 2048 bits are 1024

  const std::string bundle = "evidence/secure-boot-on.json";
  const auto roots = [&](const std::string& name, std::string_view content) {
    const std::string folder = "roots-of-" + name;
    fs::create_directory(folder_ / folder);
    write(folder + "/" + name, as_bytes(content));
    return fmt::format("'{}'", (folder_ / folder).string());
  };

  // With the offset where it is worth pinning down.
  struct Call {
    std::string words, where;
  };
  const std::vector<Call> calls = {
      {"inspect eventlog " + write("bad-log", cut(std::string(kBoot) + "log.bin")), ""},
      {"inspect ima " + write("bad-ima", cut("boots/debian12-ovmf-verity/ima.bin")), ""},
      {"inspect variables " + write("bad.fd", Bytes(64, 0)), ""},
      {"inspect module " + write("bad.ko", as_bytes("no module")), ""},
      {"inspect module modules/crc7.ko --certificate " + write("bad.pem", as_bytes("-----BEGIN CERTIFICATE-----\nA")),
       ""},
      {"inspect pe " + write("bad.efi", as_bytes("MZ")), ""},
      {good_pe + "--variables " + write("bad-variables.fd", Bytes(64, 0)), ""},
      {good_pe + "--variables " + store + " --dbx " + write("bad-dbx", Bytes(40, 1)), ""},
      {good_pe + "--variables " + store + " --shim " + write("bad-shim.efi", as_bytes("MZ")), ""},
      {"inspect quote " + write("bad.msg", cut(std::string(kQuoted) + "q.msg")), ""},
      {good_quote + "--signature " + write("bad.sig", cut(std::string(kQuoted) + "q.sig")), ""},
      {good_quote + "--key " + write("bad.pub", Bytes{9, 9}), ""},
      {good_quote + "--key " + write("bad-key.pem", as_bytes("\n-----BEGIN PUBLIC KEY-----\nA")), "at offset 1:"},
      {good_quote + "--key " + write("bad-small-key.pub", small_key), "at offset 16:"},
      {"inspect image " + write("bad.raw", Bytes(64 << 10, 0)), "at offset 512:"},
      {"inspect image " + write("bad-header.raw", disk_with(520, 'X')), "at offset 528:"},
      {"inspect image " + write("bad-header-size.raw", disk_with(524, 93)), "at offset 524:"},
      {"inspect image " + write("bad-entries.raw", disk_with(1024 + 56, 'X')), "at offset 600:"},
      {"inspect image " + write("bad-short.raw", Bytes(100, 0)), "at offset 100:"},
      {"inspect image " + write("bad.qcow2", as_bytes("QFI\xfb and no more")), ""},
      {"predict " + write("bad-disk.raw", Bytes(64 << 10, 0)) + " --firmware /usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
       ""},
      {"predict --manifest " + write("bad-manifest.json", as_bytes("{")), "at offset 1:"},
      {"predict --manifest " + write("bad-role.json", changed(manifest, "\"role\":\"grub\"", "\"role\":\"girder\"")),
       ""},
      {"predict --manifest " + write("bad-key.json", changed(manifest, "\"rootHash\"", "\"roothash\"")),
       "at offset 0:"},
      {"predict --manifest " + std::string(kBoot) + "manifest.json --variables " + write("bad-store.fd", Bytes(64, 0)),
       ""},
      {"predict --manifest " + std::string(kBoot) + "manifest.json --firmware " + write("bad-code.fd", Bytes(4096, 0)),
       ""},
      {"predict --manifest " + std::string(kBoot) + "manifest.json --calibration " +
           write("bad-calibration.json", as_bytes("{\"firmwareSha256\": 7}")),
       "at offset 19:"},
      {"predict --manifest " + std::string(kBoot) + "manifest.json --compare " +
           write("bad-compare", cut(std::string(kBoot) + "log.bin")),
       ""},
      {"evidence show " + write("bad-bundle", as_bytes("{\"version\": 1, \"node\": 7}")), ""},
      {"evidence verify " + write("bad-bundle-2", as_bytes("{")), ""},
      {"evidence verify " + bundle + " --policy " + write("bad-policy.json", as_bytes("{\"version\":2}")), ""},
      {"evidence verify " + bundle + " --dbx " + write("bad-dbx-2", Bytes(40, 1)), ""},
      {"evidence verify " + bundle + " --tpm-roots " + roots("bad.der", "no DER"), "at offset 0:"},
      {"evidence verify " + bundle + " --tpm-roots " + roots("bad.pem", "\n-----BEGIN CERTIFICATE-----\nA"), ""},
  };
  const bool has_firmware = fs::exists("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd");
  for (const Call& call : calls) {
    if (!has_firmware && call.words.starts_with("predict")) continue;
    expect_one_line_with_an_offset(call.words, call.where);
  }
}

// QEMU warns of this and that before it says what is wrong.
TEST_F(MalformedInput, OfAQcow2ImageIsOneLineWhateverQemuSays) {
  if (std::system("qemu-img --version > /dev/null") != 0) GTEST_SKIP() << "the package qemu-utils is not installed";
  const fs::path image = folder_ / "bad.qcow2";
  ASSERT_EQ(std::system(fmt::format("qemu-img create -q -f qcow2 '{}' 64M", image.string()).c_str()), 0);
  std::ifstream file(image, std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(file), {}};
  // The size of the L1 table, an unknown incompatible feature, the cluster size.
  for (const auto& [at, value] : std::vector<std::pair<std::size_t, char>>{{36, '\x7f'}, {72, '\x7f'}, {23, '\x3f'}}) {
    std::string broken = good;
    broken[at] = value;
    expect_one_line_with_an_offset("inspect image " + write(fmt::format("bad-{}.qcow2", at), as_bytes(broken)));
  }
}

TEST_F(MalformedInput, StaysOneLineWhereTheFilesNameHoldsALineEnd) {
  const std::string name = write("bad\nname", as_bytes("MZ"));
  expect_one_line_with_an_offset("inspect pe " + name);
  expect_one_line_with_an_offset("inspect image " + write("bad\nname.raw", Bytes(64 << 10, 0)));
}

}  // namespace
}  // namespace slipway
