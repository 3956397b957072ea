#include "base/time.h"

#include <fmt/format.h>

#include <charconv>

namespace slipway {
namespace {

// Reads exactly `digits` decimal digits at `at`; -1 where they are not.
int read_number(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string to_rfc3339(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

Result<Time> from_rfc3339(std::string_view text) {
  const auto malformed = [&] {
    return fail(ErrorCode::kMalformed,
                fmt::format("'{}' is no UTC time of RFC 3339 (2026-11-23T14:05:09Z)", text.substr(0, 40)));
  };
  const int year = read_number(text, 0, 4), month = read_number(text, 5, 2), day = read_number(text, 8, 2);
  const int hour = read_number(text, 11, 2), minute = read_number(text, 14, 2), second = read_number(text, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return malformed();
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return malformed();
  if (hour > 23 || minute > 59 || second > 59) return malformed();
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return malformed();
  std::string_view rest = text.substr(19);
  int millisecond = 0;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    std::size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') ++digits;
    if (digits == 0 || digits > 9) return malformed();
    for (std::size_t i = 0; i < 3; ++i) millisecond = millisecond * 10 + (i < digits ? rest[i] - '0' : 0);
    rest.remove_prefix(digits);
  }
  if (rest != "Z") return malformed();
  return Time{std::chrono::sys_days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
         std::chrono::seconds{second} + std::chrono::milliseconds{millisecond};
}

Time SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace slipway
