#include "apps/slipway/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apps/slipway/arm_client.h"
#include "apps/slipway/yaml_document.h"
#include "base/ascii.h"

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

// az prints members in the order of the alphabet.
json::object sorted(const json::object& object) {
  std::vector<std::string> names;
  for (const auto& member : object) names.emplace_back(member.key());
  std::sort(names.begin(), names.end());
  json::object result;
  for (const std::string& name : names) result[name] = object.at(name);
  return result;
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
  return sorted(object);
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

// What az leaves out of a table that nobody chose the columns of.
bool is_shown_unasked(const json::object::value_type& member) {
  const std::string_view name = member.key();
  return member.value().is_primitive() && name != "id" && name != "type" && name != "eTag" && name != "etag";
}

std::string title_of(std::string_view name) {
  std::string title(name);
  if (!title.empty() && title[0] >= 'a' && title[0] <= 'z') title[0] = static_cast<char>(title[0] - 32);
  return title;
}

struct Table {
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
};

// The columns that the elements themselves have: members of objects, places of arrays, or the value alone.
Table table_by_itself(const json::array& elements) {
  Table table;
  const json::value first = elements.empty() ? json::value(nullptr) : elements[0];
  std::vector<std::string> names;
  if (first.is_object()) {
    for (const auto& member : first.get_object())
      if (is_shown_unasked(member)) names.emplace_back(member.key());
    for (const std::string& name : names) table.titles.push_back(title_of(name));
  } else if (first.is_array()) {
    for (std::size_t i = 0; i < first.get_array().size(); ++i) table.titles.push_back(fmt::format("Column{}", i + 1));
  } else {
    table.titles.emplace_back("Result");
  }
  for (const json::value& element : elements) {
    std::vector<std::string> row;
    for (std::size_t i = 0; i < table.titles.size(); ++i) {
      const json::value* found = &element;
      if (first.is_object()) found = element.is_object() ? element.get_object().if_contains(names[i]) : nullptr;
      if (first.is_array()) found = element.is_array() ? element.get_array().if_contains(i) : nullptr;
      row.push_back(found == nullptr ? std::string() : cell(*found));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Result<std::string> table_of(const json::value& value, const std::vector<Column>& columns) {
  if (value.is_null()) return std::string();
  const json::array elements = value.is_array() ? value.get_array() : json::array{value};
  if (columns.empty()) {
    const Table table = table_by_itself(elements);
    return to_table(table.titles, table.rows);
  }
  std::vector<std::string> titles;
  for (const Column& column : columns) titles.push_back(column.title);
  std::vector<std::vector<std::string>> rows;
  for (const json::value& element : elements) {
    std::vector<std::string> row;
    for (const Column& column : columns) {
      SLIPWAY_ASSIGN(const auto found, query(element, column.path));
      row.push_back(cell(found));
    }
    rows.push_back(std::move(row));
  }
  return to_table(titles, rows);
}

// As az has it: an array in a field is its size, an object in a field is nothing.
std::string tsv_field(const json::value& value) {
  if (value.is_array()) return std::to_string(value.get_array().size());
  return value.is_object() ? std::string() : cell(value);
}

std::string tsv_line(const json::value& value) {
  std::string line, separator;
  const auto add = [&](const json::value& field) {
    line += separator + tsv_field(field);
    separator = "\t";
  };
  if (value.is_object())
    for (const auto& member : value.get_object()) add(member.value());
  else if (value.is_array())
    for (const json::value& element : value.get_array()) add(element);
  else
    add(value);
  return line + '\n';
}

std::string tsv_of(const json::value& value) {
  if (value.is_null()) return {};
  if (!value.is_array()) return tsv_line(value);
  std::string lines;
  for (const json::value& element : value.get_array()) lines += tsv_line(element);
  return lines;
}

YamlValue yaml_of(const json::value& value) {
  if (value.is_string()) return yaml_text(value.get_string());
  YamlValue yaml;
  if (value.is_object()) {
    yaml.kind = YamlValue::Kind::kMap;
    for (const auto& member : value.get_object())
      yaml.members.push_back({yaml_text(member.key()), yaml_of(member.value())});
  } else if (value.is_array()) {
    yaml.kind = YamlValue::Kind::kSequence;
    for (const json::value& element : value.get_array()) yaml.elements.push_back(yaml_of(element));
  } else if (!value.is_null()) {
    yaml.kind = YamlValue::Kind::kPlain;
    yaml.text = json::serialize(value);
  }
  return yaml;
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
  return sorted(flat);
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
  if (options.format == "yaml" || options.format == "yamlc") return write_yaml(yaml_of(shown));
  if (options.format == "none") return std::string();
  return to_pretty_json(shown);
}

}  // namespace slipway::cli
