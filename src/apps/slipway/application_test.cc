#include "apps/slipway/application.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "apps/slipway/completion.h"
#include "apps/slipway/pool_options.h"
#include "base/source_folder_for_tests.h"

namespace slipway::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ApplicationTest : public testing::Test {
 protected:
  ApplicationTest() { add_all_verbs(shell_); }

  std::string misspelt(const std::vector<std::string>& words) const { return misspelling(app_, words); }

  // Calls `look` with each verb that has none below it, and its words.
  template <typename Look>
  static void each_verb(const CLI::App& app, const std::string& words, Look look) {
    const auto below = app.get_subcommands([](const CLI::App*) { return true; });
    if (below.empty()) look(app, words);
    for (const CLI::App* verb : below) each_verb(*verb, words + ' ' + verb->get_name(), look);
  }

  static std::string read(const std::string& path) {
    std::ifstream file(source_folder() + "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  CLI::App app_{"Kubernetes clusters whose nodes prove what they booted", "slipway"};
  Shell shell_{app_};
};

TEST_F(ApplicationTest, AMisspeltVerbOrOptionIsNamedWithTheNearOne) {
  EXPECT_EQ(misspelt({"aks", "nodpool", "add"}), "'nodpool' is no verb of 'slipway aks'. Did you mean 'nodepool'?");
  EXPECT_EQ(misspelt({"nodepool", "add"}), "'nodepool' is no verb of 'slipway'. Did you mean 'slipway aks nodepool'?");
  EXPECT_EQ(misspelt({"aks", "create", "--name", "c", "--enable-vtmp"}),
            "'--enable-vtmp' is no option of 'slipway aks create'. Did you mean '--enable-vtpm'?");
  EXPECT_EQ(misspelt({"aks", "create", "--colour=red"}), "'--colour' is no option of 'slipway aks create'.");
  EXPECT_EQ(misspelt({"aks", "show", "-q"}), "'-q' is no option of 'slipway aks show'.");
  EXPECT_EQ(misspelt({"aks", "create", "--node-count", "-1", "-g", "g", "word"}), "");
  EXPECT_EQ(misspelt({"xyzzy"}), "'xyzzy' is no verb of 'slipway'.");
}

TEST_F(ApplicationTest, EveryVerbHasADescriptionAndAnExampleThatNamesIt) {
  each_verb(app_, "slipway", [](const CLI::App& verb, const std::string& words) {
    EXPECT_THAT(verb.get_description(), Not(IsEmpty())) << words;
    EXPECT_THAT(verb.get_footer(), HasSubstr("Examples:\n")) << words;
    EXPECT_THAT(verb.get_footer(), HasSubstr(words)) << words;
    for (const CLI::Option* option : verb.get_options([](const CLI::Option*) { return true; }))
      EXPECT_THAT(option->get_description(), Not(IsEmpty())) << words << ' ' << option->get_name();
  });
}

TEST_F(ApplicationTest, EveryVerbOfAzHasItsGlobalOptions) {
  each_verb(app_, "slipway", [](const CLI::App& verb, const std::string& words) {
    if (words.starts_with("slipway inspect") || words.starts_with("slipway image") ||
        words.starts_with("slipway completion") || words.starts_with("slipway predict") ||
        words.starts_with("slipway evidence"))
      return;
    for (const char* name : {"--output", "--query", "--subscription", "--only-show-errors", "--verbose", "--debug"})
      EXPECT_NE(verb.get_option_no_throw(name), nullptr) << words << " lacks " << name;
  });
}

TEST_F(ApplicationTest, TheHelpPointsToTheConceptPage) {
  EXPECT_THAT(app_.help(), HasSubstr("docs/concepts/trusted-launch.md"));
  EXPECT_THAT(read("docs/concepts/trusted-launch.md"), HasSubstr("# Trusted Launch"));
}

TEST_F(ApplicationTest, TheReferenceIsWhatTheProgramSays) {
  EXPECT_EQ(reference_page(app_), read("docs/reference/cli.md"))
      << "run: slipway completion markdown > docs/reference/cli.md";
}

TEST_F(ApplicationTest, TheManualHasEveryVerbAndOption) {
  const std::string page = read("docs/man/slipway.1");
  // In mdoc "Fl -name" is --name, and "\-" a hyphen.
  each_verb(app_, "slipway", [&page](const CLI::App& verb, const std::string& words) {
    const std::string heading = ".Ss " + words.substr(words.find(' ') + 1) + '\n';
    const std::size_t start = page.find(heading);
    ASSERT_NE(start, std::string::npos) << heading;
    const std::string section = page.substr(start, page.find("\n.S", start + 1) - start);
    for (const CLI::Option* option : verb.get_options([](const CLI::Option*) { return true; })) {
      const bool is_global = option->get_group() == "Global options" || option->check_lname("help");
      for (const std::string& name : option->get_lnames())
        EXPECT_THAT(is_global ? page : section, HasSubstr("Fl \\-" + name)) << words << " --" << name;
    }
  });
}

TEST_F(ApplicationTest, TheScriptForBashCompletesVerbsAndOptions) {
  std::string name = (std::filesystem::temp_directory_path() / "slipway-completion-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const std::filesystem::path folder = name;
  std::ofstream(folder / "script") << bash_completion(app_);
  const auto complete = [&](const std::string& words, int at) {
    std::ofstream(folder / "run") << "source '" << (folder / "script").string() << "'\nCOMP_WORDS=(" << words
                                  << ")\nCOMP_CWORD=" << at << "\n_slipway\nprintf '%s ' \"${COMPREPLY[@]}\"\n";
    const std::string command = "bash '" + (folder / "run").string() + "' > '" + (folder / "out").string() + "' 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream out(folder / "out");
    return std::string{std::istreambuf_iterator<char>(out), {}};
  };
  EXPECT_EQ(complete("slipway aks nodep", 2), "nodepool ");
  EXPECT_THAT(complete("slipway aks nodepool ''", 3), HasSubstr("upgrade "));
  EXPECT_EQ(complete("slipway aks nodepool update --enable-s", 4), "--enable-secure-boot ");
  EXPECT_EQ(complete("slipway aks create -g g --enable-v", 5), "--enable-vtpm ");
  EXPECT_THAT(complete("slipway aks list --output ''", 4), HasSubstr("yamlc"));
  EXPECT_EQ(complete("slipway nowhere ''", 2), " ");
  std::filesystem::remove_all(folder);
}

TEST(FlagOf, FindsTheFlagOfAProperty) {
  EXPECT_EQ(flag_of("agentPoolProfile.securityProfile.enableVTPM"), "--enable-vtpm");
  EXPECT_EQ(flag_of("agentPoolProfile.gpuProfile.driver"), "--gpu-driver None, or --skip-gpu-driver-install");
  EXPECT_EQ(flag_of("agentPoolProfile.gpuProfile"), "--gpu-driver None, or --skip-gpu-driver-install");
  EXPECT_EQ(flag_of("agentPoolProfile.vmSize"), "--node-vm-size");
  EXPECT_EQ(flag_of("nothing"), "");
}

TEST(PoolProperties, AreThoseThatAzSends) {
  PoolOptions options;
  options.count = 1;
  options.vtpm = true;
  const auto plain = pool_properties(options).value();
  EXPECT_EQ(boost::json::serialize(plain.at("securityProfile")), R"({"enableVTPM":true})");
  EXPECT_EQ(plain.at("count"), 1);
  EXPECT_EQ(plain.at("vmSize"), "");
  EXPECT_FALSE(plain.contains("gpuProfile"));
  options.vtpm = false;
  EXPECT_FALSE(pool_properties(options).value().contains("securityProfile"));
  options.skip_gpu_driver = true;
  EXPECT_EQ(boost::json::serialize(pool_properties(options).value().at("gpuProfile")), R"({"driver":"None"})");
  options.labels = {"no equals sign"};
  EXPECT_FALSE(pool_properties(options));
}

TEST(PutSurge, SaysOnlyWhatWasSaid) {
  boost::json::object properties;
  put_surge({}, properties);
  EXPECT_TRUE(properties.empty());
  SurgeOptions options;
  options.maximum_surge = "33%";
  options.drain_timeout_minutes = 5;
  put_surge(options, properties);
  EXPECT_EQ(boost::json::serialize(properties), R"({"upgradeSettings":{"maxSurge":"33%","drainTimeoutInMinutes":5}})");
}

}  // namespace
}  // namespace slipway::cli
