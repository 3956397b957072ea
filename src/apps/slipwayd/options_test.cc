#include "apps/slipwayd/options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/temporary_folder_for_tests.h"

namespace slipway::slipwayd {
namespace {

CommandLine parse(std::vector<std::string> words) {
  words.insert(words.begin(), "slipwayd");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

TEST(Options, TwoAreAllThatAMemoryStartNeedsBesideItsKind) {
  const CommandLine line =
      parse({"--state", "/s", "--listen", "127.0.0.1:18443", "--host", "memory:", "--kubernetes", "memory:"});
  ASSERT_TRUE(line.run) << line.text;
  EXPECT_EQ(line.options.state, "/s");
  EXPECT_EQ(line.options.listen_address, "127.0.0.1");
  EXPECT_EQ(line.options.listen_port, 18443);
  EXPECT_EQ(line.options.host, HostKind::kMemory);
  EXPECT_EQ(line.options.kubernetes, KubernetesKind::kMemory);
  EXPECT_EQ(line.options.evidence_interval, seconds(300));
  EXPECT_EQ(line.options.certificate_lifetime, seconds(3600));
}

TEST(Options, SayWhatIsWrong) {
  const std::vector<std::string> good = {"--state", "/s", "--listen", "127.0.0.1:1", "--kubernetes", "memory:"};
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--host", "vmware:"}, "--host vmware:"},
      {{"--evidence-interval", "0"}, "evidence-interval"},
      {{"--certificate-lifetime", "59"}, "certificate-lifetime"},
      {{"--colour"}, "colour"}};
  for (const auto& [extra, words] : cases) {
    auto all = good;
    all.insert(all.end(), extra.begin(), extra.end());
    const CommandLine line = parse(all);
    EXPECT_FALSE(line.run) << words;
    EXPECT_EQ(line.exit_status, 2) << words;
    EXPECT_NE(line.text.find(words), std::string::npos) << line.text;
  }
  EXPECT_EQ(parse({}).exit_status, 2);
  EXPECT_EQ(parse({"--help"}).exit_status, 0);
  EXPECT_NE(parse({"--help"}).text.find("Examples:"), std::string::npos);
  EXPECT_NE(parse({"--version"}).text.find("1.2.3"), std::string::npos);
}

TEST(Options, KubernetesIsTheNewestOfTheCacheUnlessItIsNamed) {
  const TemporaryFolder cache;
  ASSERT_EQ(setenv("SLIPWAY_CACHE", cache.path().c_str(), 1), 0);
  const std::vector<std::string> words = {"--state", "/s", "--listen", "127.0.0.1:1"};
  const CommandLine none = parse(words);
  EXPECT_EQ(none.exit_status, 2);
  EXPECT_NE(none.text.find("packaging/kubernetes/fetch"), std::string::npos) << none.text;

  // Half-written, of no version, and of three.
  for (const char* name : {"v1.30.1-part", "version", "v1.20.2-source", "v1.9.9", "v1.21.0-source"})
    std::filesystem::create_directories(cache.path() / "kubernetes" / name);
  for (const char* name : {"version", "v1.20.2-source", "v1.9.9", "v1.21.0-source"})
    std::ofstream(cache.path() / "kubernetes" / name / "kube-apiserver") << "x";
  const CommandLine found = parse(words);
  EXPECT_TRUE(found.run) << found.text;
  EXPECT_EQ(found.options.kubernetes_binaries, cache.path() / "kubernetes/v1.21.0-source");
  auto named = words;
  named.insert(named.end(), {"--kubernetes-binaries", "/k/v1.20.2"});
  EXPECT_EQ(parse(named).options.kubernetes_binaries, "/k/v1.20.2");
}

TEST(Options, TakeAddressesOfBothFamilies) {
  Options options;
  ASSERT_TRUE(parse_listen("[::1]:0", options));
  EXPECT_EQ(options.listen_address, "::1");
  EXPECT_EQ(options.listen_port, 0);
  for (const char* bad :
       {"", ":1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:1x", "::1:80", "[]:1"}) {
    EXPECT_EQ(parse_listen(bad, options).error().code, ErrorCode::kInvalidArgument) << bad;
  }
}

TEST(Configuration, LowersOneRuleAndRefusesWhatItDoesNotKnow) {
  const auto lowered = rules_from_configuration(
      R"({"rules":{"profile":"preview","trustedLaunch":{"minimumKubernetesVersion":"1.20.2"}}})");
  ASSERT_TRUE(lowered) << lowered.error().message;
  EXPECT_EQ(lowered->minimum_kubernetes_version, "1.20.2");
  EXPECT_EQ(lowered->name, "preview");
  EXPECT_EQ(rules_from_configuration("{}")->minimum_kubernetes_version, "1.25.2");
  for (const char* bad :
       {"", "[]", R"({"rule":{}})", R"({"rules":{"profile":"none"}})", R"({"rules":{"profile":1}})",
        R"({"rules":{"trustedLaunch":{"minimumKubernetesVersion":"new"}}})", R"({"rules":{"trustedLaunch":[]}})"}) {
    EXPECT_FALSE(rules_from_configuration(bad)) << bad;
  }
  EXPECT_EQ(read_configuration("/nowhere/config.json").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace slipway::slipwayd
