#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "apps/slipway/query.h"
#include "base/result.h"

// How answers are shown: JSON as az shows it, tables, and single values.
namespace slipway::cli {

struct Column {
  std::string title;
  std::string path;  // as a query
};

// What az calls global arguments: every verb has them.
struct OutputOptions {
  std::string format = "json";  // json, jsonc, table, tsv, yaml, yamlc or none
  std::string query;
  std::string subscription;  // id or name of one that is logged in to; empty: the current one
  bool quiet = false;        // errors only on standard error
  bool traced = false;       // each request on standard error
};

// An ARM resource as az prints it: what stands under "properties" comes up beside name and id, "resourceGroup" is added
// from the id, and the names that az spells in its own way are spelt so (enableVTPM becomes enableVtpm).
boost::json::value flatten(const boost::json::value& resource);

// JSON with two spaces of indentation, and a final newline.
std::string to_pretty_json(const boost::json::value& value);

// One line per row under underlined titles, as wide as their content. Control characters are made harmless.
std::string to_table(const std::vector<std::string>& titles, const std::vector<std::vector<std::string>>& rows);

// The whole output of a verb: after the query, in the format asked for. Columns serve for tables without a query; where
// there are none, a table has what the value itself has, as az shows it.
Result<std::string> render(const boost::json::value& value, const OutputOptions& options,
                           const std::vector<Column>& columns);

}  // namespace slipway::cli
