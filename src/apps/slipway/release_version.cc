#include "apps/slipway/release_version.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace slipway::cli {
namespace {

constexpr std::size_t kLongest = 100;
constexpr long kLast = std::numeric_limits<long>::max();
// Stages in their order. A .dev release of no stage comes before all of them, a final one after.
constexpr long kDevelopment = 0, kAlpha = 1, kBeta = 2, kCandidate = 3, kFinal = 4;

bool take(std::string_view& rest, std::string_view word) {
  if (!rest.starts_with(word)) return false;
  rest.remove_prefix(word.size());
  return true;
}

bool take_number(std::string_view& rest, long& number) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || number < 0) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}

}  // namespace

Result<ReleaseVersion> ReleaseVersion::parse(std::string_view text) {
  const auto refuse = [text] {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no version such as 1.0.0 or 1.0.0b6", text.substr(0, kLongest)));
  };
  ReleaseVersion version;
  std::string_view rest = text;
  if (text.size() > kLongest) return refuse();
  do {
    long number = 0;
    if (!take_number(rest, number)) return refuse();
    version.release_.push_back(number);
  } while (rest.size() > 1 && rest[1] >= '0' && rest[1] <= '9' && take(rest, "."));
  while (!version.release_.empty() && version.release_.back() == 0) version.release_.pop_back();
  bool has_stage = true;
  if (take(rest, "rc"))
    version.stage_ = kCandidate;
  else if (take(rest, "a"))
    version.stage_ = kAlpha;
  else if (take(rest, "b"))
    version.stage_ = kBeta;
  else
    has_stage = false;
  if (has_stage && !take_number(rest, version.stage_number_)) return refuse();
  const bool has_post = take(rest, ".post");
  if (has_post && !take_number(rest, version.post_)) return refuse();
  const bool has_dev = take(rest, ".dev");
  version.dev_ = kLast;
  if (has_dev && !take_number(rest, version.dev_)) return refuse();
  if (!rest.empty()) return refuse();
  if (!has_stage) version.stage_ = has_dev && !has_post ? kDevelopment : kFinal;
  return version;
}

std::strong_ordering ReleaseVersion::operator<=>(const ReleaseVersion& other) const {
  const std::size_t parts = std::max(release_.size(), other.release_.size());
  for (std::size_t i = 0; i < parts; ++i) {
    const long left = i < release_.size() ? release_[i] : 0, right = i < other.release_.size() ? other.release_[i] : 0;
    if (left != right) return left <=> right;
  }
  if (stage_ != other.stage_) return stage_ <=> other.stage_;
  if (stage_number_ != other.stage_number_) return stage_number_ <=> other.stage_number_;
  if (post_ != other.post_) return post_ <=> other.post_;
  return dev_ <=> other.dev_;
}

}  // namespace slipway::cli
