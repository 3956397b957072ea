#include "apps/slipway/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "apps/slipway/arm_client.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

constexpr std::pair<std::string_view, std::string_view> kSpellings[] = {
    {"enableVTPM", "enableVtpm"},         {"enableFIPS", "enableFips"},
    {"enableUltraSSD", "enableUltraSsd"}, {"enableNodePublicIP", "enableNodePublicIp"},
    {"enableRBAC", "enableRbac"},
};

std::string_view spelling_of(std::string_view name) {
  for (const auto& [wire, shown] : kSpellings)
    if (wire == name) return shown;
  return name;
}

json::value respell(const json::value& value) {
  if (value.is_array()) {
    json::array array;
    for (const json::value& element : value.get_array()) array.push_back(respell(element));
    return array;
  }
  if (!value.is_object()) return value;
  json::object object;
  for (const auto& member : value.get_object()) object[spelling_of(member.key())] = respell(member.value());
  return object;
}

bool equal_without_case(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

// The segment behind "resourceGroups" in a resource's id.
std::string group_of(std::string_view id) {
  std::string_view previous;
  while (!id.empty()) {
    const std::size_t slash = id.find('/');
    const std::string_view segment = id.substr(0, slash);
    if (equal_without_case(previous, "resourceGroups")) return std::string(segment);
    previous = segment;
    id = slash == std::string_view::npos ? std::string_view() : id.substr(slash + 1);
  }
  return {};
}

struct Step {
  std::string name;  // of a member; empty for a step into an array
  bool each = false;
  std::size_t index = 0;
};

tl::unexpected<Error> bad_query(std::string_view path) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--query \"{}\" is more than slipway takes: names with dots between them, [N] and []; pipe "
                          "the JSON through jq for the rest",
                          path));
}

Result<std::vector<Step>> parse_path(std::string_view path) {
  std::vector<Step> steps;
  std::string_view rest = path;
  while (!rest.empty()) {
    if (rest.front() == '[') {
      const std::size_t close = rest.find(']');
      if (close == std::string_view::npos) return bad_query(path);
      const std::string_view digits = rest.substr(1, close - 1);
      Step step;
      step.each = digits.empty();
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step.index);
      if (!step.each && (error != std::errc() || end != digits.data() + digits.size())) return bad_query(path);
      steps.push_back(step);
      rest.remove_prefix(close + 1);
      if (!rest.empty() && rest.front() == '.') rest.remove_prefix(1);
      continue;
    }
    const std::size_t size = std::min(rest.find_first_of(".["), rest.size());
    const std::string_view name = rest.substr(0, size);
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    if (name.empty() || !plain) return bad_query(path);
    steps.push_back({std::string(name), false, 0});
    rest.remove_prefix(size);
    if (!rest.empty() && rest.front() == '.') rest.remove_prefix(1);
  }
  return steps;
}

json::value walk(const json::value& value, const std::vector<Step>& steps, std::size_t at) {
  if (at == steps.size()) return value;
  const Step& step = steps[at];
  if (!step.name.empty()) {
    const json::value* found = value.is_object() ? value.get_object().if_contains(step.name) : nullptr;
    return found == nullptr ? json::value(nullptr) : walk(*found, steps, at + 1);
  }
  if (!value.is_array()) return nullptr;
  const json::array& array = value.get_array();
  if (!step.each) return step.index < array.size() ? walk(array[step.index], steps, at + 1) : json::value(nullptr);
  json::array each;
  for (const json::value& element : array) each.push_back(walk(element, steps, at + 1));
  return each;
}

void put_json(std::string& out, const json::value& value, std::size_t depth) {
  const std::string indent(2 * (depth + 1), ' ');
  const std::string closing(2 * depth, ' ');
  if (value.is_object() && !value.get_object().empty()) {
    std::string_view separator = "{\n";
    for (const auto& member : value.get_object()) {
      out += fmt::format("{}{}{}: ", separator, indent, json::serialize(json::value(member.key())));
      put_json(out, member.value(), depth + 1);
      separator = ",\n";
    }
    out += '\n' + closing + '}';
  } else if (value.is_array() && !value.get_array().empty()) {
    std::string_view separator = "[\n";
    for (const json::value& element : value.get_array()) {
      out += fmt::format("{}{}", separator, indent);
      put_json(out, element, depth + 1);
      separator = ",\n";
    }
    out += '\n' + closing + ']';
  } else {
    out += json::serialize(value);
  }
}

std::string cell(const json::value& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return printable(value.get_string());
  return printable(json::serialize(value));
}

// Characters on the screen: bytes that do not continue a UTF-8 sequence.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Result<std::string> table_of(const json::value& value, const std::vector<Column>& columns) {
  const json::array rows_of_value = value.is_array() ? value.get_array() : json::array{value};
  std::vector<Column> chosen = columns;
  if (chosen.empty() && !rows_of_value.empty() && rows_of_value[0].is_object())
    for (const auto& member : rows_of_value[0].get_object())
      if (member.value().is_primitive()) chosen.push_back({std::string(member.key()), std::string(member.key())});
  if (chosen.empty()) chosen.push_back({"Result", ""});

  std::vector<std::string> titles;
  for (const Column& column : chosen) titles.push_back(column.title);
  std::vector<std::vector<std::string>> rows;
  for (const json::value& element : rows_of_value) {
    std::vector<std::string> row;
    for (const Column& column : chosen) {
      SLIPWAY_ASSIGN(const auto found, query(element, column.path));
      row.push_back(cell(found));
    }
    rows.push_back(std::move(row));
  }
  return to_table(titles, rows);
}

std::string tsv_of(const json::value& value) {
  if (value.is_array()) {
    std::string lines;
    for (const json::value& element : value.get_array()) lines += tsv_of(element);
    return lines;
  }
  if (!value.is_object()) return cell(value) + '\n';
  std::string line;
  for (const auto& member : value.get_object()) line += (line.empty() ? "" : "\t") + cell(member.value());
  return line + '\n';
}

}  // namespace

json::value flatten(const json::value& resource) {
  if (resource.is_array()) {
    json::array array;
    for (const json::value& element : resource.get_array()) array.push_back(flatten(element));
    return array;
  }
  if (!resource.is_object()) return resource;
  json::object flat;
  for (const auto& member : resource.get_object()) {
    if (member.key() == "properties" && member.value().is_object()) continue;
    flat[spelling_of(member.key())] = respell(member.value());
  }
  const json::object& object = resource.get_object();
  if (const json::value* properties = object.if_contains("properties"); properties && properties->is_object())
    for (const auto& member : properties->get_object())
      if (!flat.contains(spelling_of(member.key()))) flat[spelling_of(member.key())] = respell(member.value());
  if (const json::value* id = object.if_contains("id"); id && id->is_string())
    if (const std::string group = group_of(id->get_string()); !group.empty() && !flat.contains("resourceGroup"))
      flat["resourceGroup"] = group;
  return flat;
}

Result<json::value> query(const json::value& value, std::string_view path) {
  SLIPWAY_ASSIGN(const auto steps, parse_path(path));
  return walk(value, steps, 0);
}

std::string to_pretty_json(const json::value& value) {
  std::string out;
  put_json(out, value, 0);
  return out + '\n';
}

std::string to_table(const std::vector<std::string>& titles, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < titles.size(); ++column) {
    std::size_t width = width_of(titles[column]);
    for (const auto& row : rows) width = std::max(width, width_of(row[column]));
    widths.push_back(width);
  }
  std::string out;
  const auto put_row = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      line += row[column];
      if (column + 1 < row.size()) line += std::string(widths[column] - width_of(row[column]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  };
  put_row(titles);
  std::vector<std::string> rule;
  for (const std::size_t width : widths) rule.emplace_back(width, '-');
  put_row(rule);
  for (const auto& row : rows) put_row(row);
  return out;
}

Result<std::string> render(const json::value& value, const OutputOptions& options, const std::vector<Column>& columns) {
  json::value shown = value;
  if (!options.query.empty()) {
    SLIPWAY_ASSIGN(shown, query(value, options.query));
  }
  if (options.format == "table") return table_of(shown, options.query.empty() ? columns : std::vector<Column>{});
  if (options.format == "tsv") return tsv_of(shown);
  return to_pretty_json(shown);
}

}  // namespace slipway::cli
