#include "apps/slipway/secret_input.h"

#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace slipway::cli {
namespace {

constexpr std::size_t kLongest = 4096;

// No echo while it lives.
class Unseen {
 public:
  Unseen() {
    known_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!known_) return;
    termios unseen = before_;
    unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen() {
    if (known_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }

 private:
  termios before_ = {};
  bool known_ = false;
};

Result<std::string> first_line() {
  std::string line;
  std::getline(std::cin, line);
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty() || line.size() > kLongest)
    return fail(ErrorCode::kInvalidArgument,
                "standard input's first line should be the secret, and is empty or too long");
  return line;
}

}  // namespace

Result<std::string> secret_from(const std::string& given) {
  if (given == "-") return first_line();
  if (!given.empty()) return given;
  if (const char* secret = std::getenv("SLIPWAY_CLIENT_SECRET"); secret != nullptr && *secret != '\0')
    return std::string(secret);
  if (::isatty(STDIN_FILENO) != 1)
    return fail(ErrorCode::kInvalidArgument,
                "no secret is given: set SLIPWAY_CLIENT_SECRET, or give --password - and the secret on standard input");
  std::cerr << "Secret: " << std::flush;
  const Unseen unseen;
  auto line = first_line();
  std::cerr << '\n';
  return line;
}

}  // namespace slipway::cli
