#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "apps/slipwayd/options.h"
#include "base/source_folder_for_tests.h"

namespace slipway::slipwayd {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(source_folder() + "/" + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Every "--name" of a text.
std::set<std::string> flags_of(const std::string& text) {
  std::set<std::string> flags;
  const std::regex flag("--([a-z][a-z-]+)");
  for (auto match = std::sregex_iterator(text.begin(), text.end(), flag); match != std::sregex_iterator(); ++match)
    flags.insert((*match)[1]);
  return flags;
}

TEST(ManPage, OfSlipwaydHasEveryOption) {
  std::string words[] = {"slipwayd", "--help"};
  char* arguments[] = {words[0].data(), words[1].data(), nullptr};
  const CommandLine line = parse_command_line(2, arguments, "test");
  const std::set<std::string> flags = flags_of(line.text);
  ASSERT_GT(flags.size(), 10u);
  const std::string page = read("docs/man/slipwayd.8");
  for (const std::string& flag : flags) EXPECT_THAT(page, testing::HasSubstr("Fl \\-" + flag));
}

TEST(ManPage, OfTheAgentHasEveryOption) {
  const std::string source = read("src/apps/slipway_agent/main.cc");
  const std::size_t start = source.find("kHelp ="), end = source.find(")\"", start);
  ASSERT_NE(end, std::string::npos);
  const std::set<std::string> flags = flags_of(source.substr(start, end - start));
  ASSERT_GT(flags.size(), 6u);
  const std::string page = read("docs/man/slipway-agent.8");
  for (const std::string& flag : flags) EXPECT_THAT(page, testing::HasSubstr("Fl \\-" + flag));
}

}  // namespace
}  // namespace slipway::slipwayd
