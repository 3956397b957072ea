#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "attestation/evidence_bundle.h"
#include "base/source_folder_for_tests.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/event_log.h"
#include "bootchain/events_for_tests.h"
#include "bootchain/replay.h"

// Every log of the corpus, replayed by us and by tpm2_eventlog of tpm2-tools at the same time.
namespace slipway::bootchain {
namespace {

namespace fs = std::filesystem;

const std::string kCorpus = source_folder() + "/tests/corpus/";

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string output;
  char buffer[4096];
  for (std::size_t count = 0; pipe && (count = fread(buffer, 1, sizeof buffer, pipe.get())) > 0;)
    output.append(buffer, count);
  return output;
}

// "sha256" and PCR to value, from the end of tpm2_eventlog's output.
std::map<std::pair<std::string, int>, std::string> pcrs_of_tpm2_tools(const std::string& path) {
  std::istringstream lines(output_of("tpm2_eventlog '" + path + "' 2>/dev/null"));
  std::map<std::pair<std::string, int>, std::string> pcrs;
  std::string bank;
  bool reached = false;
  for (std::string line; std::getline(lines, line);) {
    reached = reached || line == "pcrs:";
    if (!reached || line == "pcrs:") continue;
    int pcr = -1;
    char value[160] = {};
    if (std::sscanf(line.c_str(), " %d : 0x%159s", &pcr, value) == 2) {
      pcrs[{bank, pcr}] = value;
    } else {
      bank = line.substr(2, line.find(':') - 2);
    }
  }
  return pcrs;
}

std::uint16_t bank_named(const std::string& name) {
  for (const std::uint16_t bank : {kSha1Bank, kSha256Bank, kSha384Bank, kSha512Bank})
    if (bank_name(bank) == name) return bank;
  ADD_FAILURE() << "unknown bank " << name;
  return 0;
}

bool has_startup_locality(const UnverifiedEventLog& log) {
  return !log.events.empty() && startup_locality(log.events[0]).has_value();
}

// Both replays give the same values for every bank that the log has.
void expect_alike(const UnverifiedEventLog& log, const std::string& path) {
  const auto expected = pcrs_of_tpm2_tools(path);
  ASSERT_GE(expected.size(), 8u) << path << ": is tpm2-tools installed?";
  std::set<std::uint16_t> judged;
  for (const auto& [key, value] : expected) {
    const std::uint16_t bank = bank_named(key.first);
    judged.insert(bank);
    // tpm2-tools 5.4 extends PCR 0 with the zeros of a StartupLocality event.
    if (key.second == 0 && has_startup_locality(log)) continue;
    const auto values = replay(log, bank);
    ASSERT_TRUE(values) << path;
    ASSERT_TRUE(values->count(key.second)) << path << " " << key.second;
    EXPECT_EQ(to_hex(values->at(key.second)), value) << path << " " << key.first << " " << key.second;
  }
  EXPECT_EQ(judged.size(), log.banks.size()) << path;
}

class LogFile {
 public:
  explicit LogFile(ByteView log) : path_(fs::temp_directory_path() / (std::to_string(::getpid()) + "-log.bin")) {
    std::ofstream(path_, std::ios::binary) << as_text(log);
  }
  ~LogFile() { fs::remove(path_); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

class CorpusLog : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, CorpusLog, ::testing::ValuesIn(log_paths()));

TEST_P(CorpusLog, ReplaysAsTpm2EventlogDoes) {
  const auto log = parse_event_log(read_corpus(GetParam()));
  ASSERT_TRUE(log) << log.error().message;
  expect_alike(*log, kCorpus + GetParam());
}

TEST(Tpm2Eventlog, ReplaysTheLogsOfOurOwnNodesAlike) {
  int logs = 0;
  for (const auto& entry : fs::directory_iterator(kCorpus + "evidence")) {
    if (entry.path().extension() != ".json") continue;
    const auto bundle =
        attestation::bundle_from_json(as_text(read_corpus("evidence/" + entry.path().filename().string())));
    ASSERT_TRUE(bundle) << entry.path() << " " << bundle.error().message;
    const Bytes& bytes = bundle->evidence.firmware_event_log;
    const auto log = parse_event_log(bytes);
    ASSERT_TRUE(log) << entry.path() << " " << log.error().message;
    expect_alike(*log, LogFile(bytes).path());
    ++logs;
  }
  EXPECT_GE(logs, 8);
}

TEST(Tpm2Eventlog, ReplaysEveryBankAlike) {
  const auto real = parse_event_log(read_corpus("boots/slipway-node-verity/log.bin"));
  ASSERT_TRUE(real) << real.error().message;
  const Bytes bytes = encode_event_log(with_every_bank(*real));
  expect_alike(parse_event_log(bytes).value(), LogFile(bytes).path());
}

}  // namespace
}  // namespace slipway::bootchain
