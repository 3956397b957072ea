#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "apps/slipway/shell.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

// The recipe: of the installation that this program stands in, or of the source tree that it was built in.
Result<fs::path> find_recipe(const fs::path& programs) {
  if (const char* named = std::getenv("SLIPWAY_IMAGE_RECIPE"); named != nullptr && *named != '\0')
    return fs::path(named);
  const fs::path places[] = {programs / "../share/slipway/images/build", programs / "../../images/build"};
  std::error_code error;
  for (const fs::path& place : places)
    if (fs::exists(place, error)) return fs::weakly_canonical(place, error);
  return fail(ErrorCode::kNotFound,
              fmt::format("the recipe images/build is neither in {} nor in the source tree above {}; name it in "
                          "SLIPWAY_IMAGE_RECIPE",
                          places[0].lexically_normal().string(), programs.string()));
}

// Becomes the recipe. The programs that go into the image are the ones beside this one; what the caller says of them
// comes later on the command line, and so counts.
Status build_image(const std::vector<std::string>& given) {
  std::error_code error;
  const fs::path programs = fs::read_symlink("/proc/self/exe", error).parent_path();
  SLIPWAY_ASSIGN(const fs::path recipe, find_recipe(programs));
  std::vector<std::string> words = {recipe.string()};
  const auto add_program = [&](const std::string& option, const char* name) {
    if (!fs::exists(programs / name, error)) return;
    words.push_back(option);
    words.push_back((programs / name).string());
  };
  add_program("--agent", "slipway-agent");
  add_program("--manifest-program", "slipway-image-manifest");
  words.insert(words.end(), given.begin(), given.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  return fail(ErrorCode::kInternal, fmt::format("cannot run {}: {}", recipe.string(), std::strerror(errno)));
}

}  // namespace

void add_images(Shell& shell) {
  CLI::App* image = Shell::add_noun(shell.app(), "image", "Node images");
  auto given = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = shell.add_verb(*image, "build", "Build a node image (root is needed); its options are the recipe's",
                                  "  slipway image build --output /var/lib/slipway/images\n"
                                  "  slipway image build --help\n",
                                  [given] { return build_image(*given); });
  verb->prefix_command();
  // --help too is the recipe's: it knows its options.
  verb->set_help_flag();
  verb->parse_complete_callback([verb, given] { *given = verb->remaining(); });
}

}  // namespace slipway::cli
