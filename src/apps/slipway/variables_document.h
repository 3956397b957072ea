#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "bootchain/variable_store.h"

// What "slipway inspect variables" prints, as documented in docs/formats/inspect.md.
namespace slipway::cli {

struct ReadVariables {
  std::vector<bootchain::StoredVariable> variables;
  bool whole_store = false;  // all that there are, so that what is not among them is not set
};

boost::json::object variables_document(const ReadVariables& read);
std::string variables_table(const ReadVariables& read);

// One variable as Linux shows it in efivarfs: a file named NAME-GUID of four bytes of attributes and the value.
// kInvalidArgument where the file's name has another form; kMalformed where the bytes are too few.
Result<bootchain::StoredVariable> read_variable_file(std::string_view file_name, ByteView content);

}  // namespace slipway::cli
