#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// How answers are shown: JSON as az shows it, tables, and single values.
namespace slipway::cli {

struct Column {
  std::string title;
  std::string path;  // as a query
};

struct OutputOptions {
  std::string format = "json";  // json, table or tsv
  std::string query;
};

// An ARM resource as az prints it: what stands under "properties" comes up beside name and id, "resourceGroup" is added
// from the id, and the names that az spells in its own way are spelt so (enableVTPM becomes enableVtpm).
boost::json::value flatten(const boost::json::value& resource);

// The value at a path of names and numbers: "properties.state", "agentPoolProfiles[0].name", "[].name" (of each
// element). null where there is nothing; kInvalidArgument for anything else that az's --query could say.
Result<boost::json::value> query(const boost::json::value& value, std::string_view path);

// JSON with two spaces of indentation, and a final newline.
std::string to_pretty_json(const boost::json::value& value);

// One line per row under underlined titles, as wide as their content. Control characters are made harmless.
std::string to_table(const std::vector<std::string>& titles, const std::vector<std::vector<std::string>>& rows);

// The whole output of a verb: after the query, in the format asked for. Columns serve for tables without a query.
Result<std::string> render(const boost::json::value& value, const OutputOptions& options,
                           const std::vector<Column>& columns);

}  // namespace slipway::cli
