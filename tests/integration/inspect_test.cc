#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/source_folder_for_tests.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/event_log.h"
#include "bootchain/events_for_tests.h"
#include "bootchain/legacy_event_log.h"

// "slipway inspect" as a person runs it: what it prints, its exit status, and nothing on standard output where a file
// is malformed. tpm2_eventlog is the judge of the replayed PCRs.
namespace slipway {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;

const std::string kCorpus = source_folder() + "/tests/corpus/";

struct Ran {
  int status = -1;
  std::string output;
};

Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  for (std::size_t count = 0; pipe != nullptr && (count = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    ran.output.append(buffer, count);
  const int status = pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

Ran inspect(const std::string& words, bool errors_alone = false) {
  const std::string program = "'" + programs_folder() + "/slipway' inspect " + words;
  // Without a home, as nobody: no login is looked for.
  return run("env -i " + program + (errors_alone ? " 2>&1 >/dev/null" : " 2>/dev/null"));
}

class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, ByteView content)
      : path_(fs::temp_directory_path() / (std::to_string(getpid()) + "-" + name)) {
    std::ofstream file(path_, std::ios::binary);
    file << as_text(content);
  }
  ~TemporaryFile() { fs::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

// "sha256.8" to value, from the end of tpm2_eventlog's output.
std::map<std::string, std::string> pcrs_of_tpm2_tools(const std::string& path) {
  std::istringstream lines(run("tpm2_eventlog '" + path + "' 2>/dev/null").output);
  std::map<std::string, std::string> pcrs;
  std::string bank;
  bool reached = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "pcrs:") {
      reached = true;
      continue;
    }
    if (!reached) continue;
    int pcr = -1;
    char value[160] = {};
    if (std::sscanf(line.c_str(), " %d : 0x%159s", &pcr, value) == 2)
      pcrs[bank + "." + std::to_string(pcr)] = value;
    else
      bank = line.substr(2, line.find(':') - 2);
  }
  return pcrs;
}

std::map<std::string, std::string> pcrs_of_slipway(const std::string& path) {
  const Ran ran = inspect("eventlog -o json '" + path + "'");
  EXPECT_EQ(ran.status, 0) << path;
  std::map<std::string, std::string> pcrs;
  const json::value document = json::parse(ran.output);
  for (const auto& bank : document.at("pcrs").as_object())
    for (const auto& pcr : bank.value().as_object())
      pcrs[std::string(bank.key()) + "." + std::string(pcr.key())] = std::string(pcr.value().as_string());
  return pcrs;
}

TEST(InspectEventlog, ReplaysEveryLogAndBankAsTpm2EventlogDoes) {
  for (const std::string& name : bootchain::log_paths()) {
    auto expected = pcrs_of_tpm2_tools(kCorpus + name);
    auto found = pcrs_of_slipway(kCorpus + name);
    ASSERT_GE(expected.size(), 10u) << "is tpm2-tools installed?";
    if (name.find("keylime-host") != std::string::npos) {
      // tpm2-tools 5.4 extends PCR 0 with the zeros of a StartupLocality event; the specification starts PCR 0 from it.
      for (const char* pcr : {"sha1.0", "sha256.0"}) {
        EXPECT_NE(expected[pcr], found[pcr]);
        expected.erase(pcr);
        found.erase(pcr);
      }
    }
    EXPECT_EQ(found, expected) << name;
  }
}

TEST(InspectEventlog, ReplaysALegacyLogAsTpm2EventlogDoes) {
  auto log = bootchain::parse_event_log(bootchain::read_corpus("eventlogs/fedora-bootlog.bin")).value();
  for (auto& event : log.events) event.digests = {{bootchain::kSha1Bank, *find_digest(event, bootchain::kSha1Bank)}};
  const TemporaryFile file("legacy.bin", bootchain::encode_legacy_event_log(log));
  const auto expected = pcrs_of_tpm2_tools(file.path());
  ASSERT_GE(expected.size(), 8u);
  EXPECT_EQ(pcrs_of_slipway(file.path()), expected);
}

TEST(InspectEventlog, ReplaysALogOfFourBanksAsTpm2EventlogDoes) {
  const auto log = bootchain::parse_event_log(bootchain::read_corpus("eventlogs/fedora-bootlog.bin")).value();
  const TemporaryFile file("four-banks.bin", bootchain::encode_event_log(bootchain::with_every_bank(log)));
  const auto expected = pcrs_of_tpm2_tools(file.path());
  for (const char* bank : {"sha1.7", "sha256.7", "sha384.7", "sha512.7"}) ASSERT_TRUE(expected.count(bank)) << bank;
  EXPECT_EQ(pcrs_of_slipway(file.path()), expected);
}

void expect_refused(const std::string& kind, const std::string& path, const std::string& what) {
  const Ran quiet = inspect(kind + " '" + path + "' -o json");
  EXPECT_EQ(quiet.status, 2) << kind << " " << path;
  EXPECT_EQ(quiet.output, "") << kind << " " << path;
  const Ran loud = inspect(kind + " '" + path + "'", true);
  EXPECT_THAT(loud.output, HasSubstr(path));
  EXPECT_THAT(loud.output, HasSubstr(what));
  EXPECT_EQ(std::count(loud.output.begin(), loud.output.end(), '\n'), 1) << loud.output;
}

TEST(Inspect, RefusesMalformedFilesInOneLineWithTheOffset) {
  expect_refused("eventlog", kCorpus + "eventlogs/bogus.bin", "at offset 32: expected event's data");
  const Bytes log = bootchain::read_corpus("eventlogs/rhel9-qemu-ovmf-secureboot.bin");
  for (const std::size_t size : {0u, 31u, 60u, 5000u}) {
    const TemporaryFile file("cut.bin", ByteView(log).first(size));
    expect_refused("eventlog", file.path(), ": at offset ");
  }
  const TemporaryFile large("large.bin", Bytes((1U << 20) + 1, 0));
  expect_refused("eventlog", large.path(), "at offset 1048576: expected the end");
  expect_refused("ima", kCorpus + "eventlogs/bogus.bin", "at offset 0: expected PCR 10");
  expect_refused("variables", kCorpus + "eventlogs/bogus.bin", "at offset 16: expected");
  const TemporaryFile empty("empty", {});
  expect_refused("variables", empty.path(), "at offset 0: expected");
}

TEST(Inspect, SaysThatAFileIsNotThere) {
  const Ran ran = inspect("eventlog /nowhere/at/all");
  EXPECT_EQ(ran.status, 3);
  EXPECT_EQ(ran.output, "");
}

TEST(InspectVariables, ReadsTheStoresOfThisMachinesOvmf) {
  const std::string folder = "/usr/share/OVMF/";
  if (!fs::exists(folder + "OVMF_VARS_4M.ms.fd")) GTEST_SKIP() << "the package ovmf is not installed";
  const Ran enrolled = inspect("variables -o json " + folder + "OVMF_VARS_4M.ms.fd");
  ASSERT_EQ(enrolled.status, 0);
  const json::value document = json::parse(enrolled.output);
  EXPECT_EQ(document.at("secureBoot").as_string(), "enabled");
  EXPECT_EQ(document.at("revocations").to_number<int>(), 1);
  const Ran empty = inspect("variables -o json " + folder + "OVMF_VARS_4M.fd");
  ASSERT_EQ(empty.status, 0);
  EXPECT_EQ(json::parse(empty.output).at("secureBoot").as_string(), "disabled");
  EXPECT_THAT(inspect("variables " + folder + "OVMF_VARS_4M.ms.fd").output,
              HasSubstr("Microsoft Corporation UEFI CA 2011"));
}

TEST(InspectIma, ShowsTheFilesOfARealBoot) {
  const Ran ran = inspect("ima '" + kCorpus + "boots/debian12-ovmf-verity/ima.bin'");
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.output, HasSubstr("boot_aggregate"));
  EXPECT_THAT(ran.output, HasSubstr("ca973712e28a6fb0d6c47400e6a96ae39ce2facd4c441c86c51c17868833b0b5"));
}

}  // namespace
}  // namespace slipway
