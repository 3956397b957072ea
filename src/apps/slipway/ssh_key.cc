#include "apps/slipway/ssh_key.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "apps/slipway/files.h"

namespace slipway::cli {
namespace {

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Status generate_key(const std::string& private_file) {
  std::string words[] = {"ssh-keygen", "-q", "-t", "rsa", "-b", "3072", "-N", "", "-f", private_file};
  char* arguments[std::size(words) + 1] = {};
  for (std::size_t i = 0; i < std::size(words); ++i) arguments[i] = words[i].data();
  pid_t process = -1;
  if (const int error = ::posix_spawnp(&process, arguments[0], nullptr, nullptr, arguments, environ); error != 0)
    return fail(ErrorCode::kPreconditionFailed,
                fmt::format("ssh-keygen cannot be run ({}); install openssh-client, or give --ssh-key-value",
                            std::strerror(error)));
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(ErrorCode::kInternal, "ssh-keygen failed to make " + private_file + "; its words are above");
  return {};
}

}  // namespace

Result<std::string> ssh_public_key(const std::string& given, bool generate) {
  if (given.starts_with("ssh-") || given.starts_with("ecdsa-")) return given;
  if (!given.empty()) {
    SLIPWAY_ASSIGN(auto text, read_file(given));
    return without_line_end(std::move(text));
  }
  SLIPWAY_ASSIGN(const std::string home, home_folder());
  const std::string private_file = home + "/.ssh/id_rsa";
  auto present = read_file(private_file + ".pub");
  if (present) return without_line_end(std::move(*present));
  if (present.error().code != ErrorCode::kNotFound) return fail(std::move(present).error());
  if (!generate)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no {}.pub; give --generate-ssh-keys to make it, --ssh-key-value FILE to use "
                            "another key, or --no-ssh-key",
                            private_file));
  if (::access(private_file.c_str(), F_OK) == 0)
    return fail(ErrorCode::kPreconditionFailed,
                fmt::format("{} is there, but not its public half; make it: ssh-keygen -y -f {} > {}.pub", private_file,
                            private_file, private_file));
  if (::mkdir((home + "/.ssh").c_str(), 0700) != 0 && errno != EEXIST)
    return fail(ErrorCode::kInternal, fmt::format("cannot make {}/.ssh: {}", home, std::strerror(errno)));
  SLIPWAY_TRY(generate_key(private_file));
  SLIPWAY_ASSIGN(auto made, read_file(private_file + ".pub"));
  return without_line_end(std::move(made));
}

}  // namespace slipway::cli
