#include "base/near_name.h"

#include <algorithm>
#include <vector>

#include "base/ascii.h"

namespace slipway {
namespace {

constexpr std::size_t kLongest = 100;

// Optimal string alignment: a swap of neighbours counts once. Three rows of the table suffice.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> before_last(right.size() + 1), last(right.size() + 1), row(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const char a = lower_case(left[i - 1]), b = lower_case(right[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a == b ? 0 : 1)});
      const bool is_swap = i > 1 && j > 1 && a == lower_case(right[j - 2]) && lower_case(left[i - 2]) == b;
      if (is_swap) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[right.size()];
}

}  // namespace

std::string near_name(std::string_view name, std::span<const std::string> candidates) {
  std::string nearest;
  std::size_t least = kLongest;
  if (name.empty() || name.size() > kLongest) return nearest;
  for (const std::string& candidate : candidates) {
    if (candidate == name) return {};
    if (candidate.empty() || candidate.size() > kLongest) continue;
    const std::size_t steps = distance(name, candidate);
    if (steps * 3 > std::max(name.size(), candidate.size()) || steps >= least) continue;
    least = steps;
    nearest = candidate;
  }
  return nearest;
}

std::string did_you_mean(std::string_view near) {
  return near.empty() ? std::string() : " Did you mean '" + std::string(near) + "'?";
}

}  // namespace slipway
