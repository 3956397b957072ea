#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <memory>
#include <sstream>

#include "base/source_folder_for_tests.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/event_log.h"
#include "bootchain/replay.h"

// Every log of the corpus, replayed by us and by tpm2_eventlog of tpm2-tools at the same time.
namespace slipway::bootchain {
namespace {

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

bool has_startup_locality(const UnverifiedEventLog& log) {
  return !log.events.empty() && as_text(log.events[0].data).substr(0, 15) == "StartupLocality";
}

class CorpusLog : public ::testing::TestWithParam<const char*> {};

TEST_P(CorpusLog, ReplaysAsTpm2EventlogDoes) {
  const auto log = parse_event_log(read_corpus(GetParam()));
  ASSERT_TRUE(log) << log.error().message;
  const auto expected = pcrs_of_tpm2_tools(kCorpus + GetParam());
  ASSERT_GE(expected.size(), 10u) << "is tpm2-tools installed?";
  for (const auto& [key, value] : expected) {
    // tpm2-tools 5.4 extends PCR 0 with the zeros of a StartupLocality event.
    if (key.second == 0 && has_startup_locality(*log)) continue;
    const auto values = replay(*log, key.first == "sha1" ? kSha1Bank : kSha256Bank);
    ASSERT_TRUE(values);
    ASSERT_TRUE(values->count(key.second));
    EXPECT_EQ(to_hex(values->at(key.second)), value) << key.first << " " << key.second;
  }
}

INSTANTIATE_TEST_SUITE_P(All, CorpusLog,
                         ::testing::Values("eventlogs/rhel9-qemu-ovmf-secureboot.bin", "eventlogs/keylime-host.bin",
                                           "eventlogs/thinkpad-fedora.bin", "eventlogs/fedora-bootlog.bin",
                                           "boots/debian12-ovmf-secureboot/log.bin",
                                           "boots/debian12-ovmf-verity/log.bin",
                                           "boots/debian12-ovmf-minimal-secureboot-on/log.bin",
                                           "boots/debian12-ovmf-minimal-secureboot-off/log.bin"));

}  // namespace
}  // namespace slipway::bootchain
