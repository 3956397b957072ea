#include "api/odata.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace slipway::api {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  std::size_t position() const { return at_; }

  void skip_spaces() {
    while (!at_end() && text_[at_] == ' ') ++at_;
  }
  bool take(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  std::optional<std::string> name() {
    const std::size_t start = at_;
    while (!at_end() && is_name_character(text_[at_])) ++at_;
    if (at_ == start) return {};
    return std::string(text_.substr(start, at_ - start));
  }
  // 'text', with a quote inside it doubled.
  std::optional<std::string> literal() {
    if (!take("'")) return {};
    std::string value;
    while (!at_end()) {
      if (take("''")) {
        value.push_back('\'');
      } else if (take("'")) {
        return value;
      } else {
        value.push_back(text_[at_++]);
      }
    }
    return {};
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// Behind "startswith(".
std::optional<FilterTerm> read_starts_with(Reader& reader) {
  auto name = reader.name();
  if (!name || !reader.take(",")) return {};
  reader.skip_spaces();
  auto value = reader.literal();
  if (!value || !reader.take(")")) return {};
  return FilterTerm{std::move(*name), "startswith", std::move(*value)};
}

// Behind "names/any(".
std::optional<FilterTerm> read_any(Reader& reader, std::string name) {
  const auto variable = reader.name();
  if (!variable || !reader.take(":")) return {};
  reader.skip_spaces();
  const auto again = reader.name();
  if (again != variable || !reader.take(" eq ")) return {};
  auto value = reader.literal();
  if (!value || !reader.take(")")) return {};
  return FilterTerm{std::move(name), "any", std::move(*value)};
}

std::optional<FilterTerm> read_term(Reader& reader) {
  auto name = reader.name();
  if (!name) return {};
  if (reader.take("(")) {
    if (*name == "startswith") return read_starts_with(reader);
    if (reader.take(")")) return FilterTerm{std::move(*name), "call", ""};
    auto value = reader.literal();
    if (!value || !reader.take(")")) return {};
    return FilterTerm{std::move(*name), "call", std::move(*value)};
  }
  if (reader.take("/any(")) return read_any(reader, std::move(*name));
  reader.skip_spaces();
  const auto comparison = reader.name();
  reader.skip_spaces();
  auto value = reader.literal();
  if (!value || !comparison || (*comparison != "eq" && *comparison != "ge" && *comparison != "le")) return {};
  return FilterTerm{std::move(*name), *comparison, std::move(*value)};
}

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message), "InvalidFilterInQueryString", "$filter");
}

}  // namespace

Result<std::vector<FilterTerm>> parse_filter(std::string_view filter) {
  if (filter.size() > kMaximumFilter) return refuse(fmt::format("$filter is longer than {} bytes.", kMaximumFilter));
  std::vector<FilterTerm> terms;
  Reader reader(filter);
  reader.skip_spaces();
  while (!reader.at_end()) {
    auto term = read_term(reader);
    reader.skip_spaces();
    const bool goes_on = term && (reader.at_end() || reader.take("and "));
    if (!goes_on) {
      return refuse(
          fmt::format("$filter cannot be read from byte {} on: conditions such as name eq 'value', joined by "
                      "'and', are understood.",
                      reader.position()));
    }
    terms.push_back(std::move(*term));
    reader.skip_spaces();
  }
  return terms;
}

tl::unexpected<Error> unknown_filter(const FilterTerm& term) {
  return refuse(fmt::format("$filter: the condition '{} {}' is not supported here.", term.name, term.comparison));
}

}  // namespace slipway::api
