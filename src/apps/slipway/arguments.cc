#include "apps/slipway/arguments.h"

#include <fmt/format.h>

namespace slipway::cli {
namespace {

struct Dash {
  std::string_view bytes;  // UTF-8
  std::string_view name;
};

constexpr Dash kDashes[] = {
    {"\xe2\x80\x90", "a hyphen of another kind (U+2010)"},
    {"\xe2\x80\x91", "a non-breaking hyphen (U+2011)"},
    {"\xe2\x80\x92", "a figure dash (U+2012)"},
    {"\xe2\x80\x93", "an en dash (U+2013)"},
    {"\xe2\x80\x94", "an em dash (U+2014)"},
    {"\xe2\x80\x95", "a horizontal bar (U+2015)"},
    {"\xe2\x88\x92", "a minus sign (U+2212)"},
};

const Dash* dash_at(std::string_view text) {
  for (const Dash& dash : kDashes)
    if (text.starts_with(dash.bytes)) return &dash;
  return nullptr;
}

}  // namespace

Status check_dashes(std::span<const std::string> words) {
  for (const std::string& word : words) {
    std::string_view rest = word;
    const Dash* found = nullptr;
    while (!rest.empty()) {
      const Dash* dash = dash_at(rest);
      if (dash == nullptr && rest.front() != '-') break;
      if (dash != nullptr) found = dash;
      rest.remove_prefix(dash == nullptr ? 1 : dash->bytes.size());
    }
    if (found == nullptr || rest.empty()) continue;
    const std::size_t equals = rest.find('=');
    const bool is_short = (equals == std::string_view::npos ? rest.size() : equals) == 1;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" starts with {}, which text editors and web pages put in the place of hyphens; "
                            "type {}{}",
                            word, found->name, is_short ? "-" : "--", rest));
  }
  return {};
}

}  // namespace slipway::cli
