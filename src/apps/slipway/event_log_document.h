#pragma once

#include <boost/json.hpp>
#include <string>

#include "bootchain/event_description.h"
#include "bootchain/ima_log.h"
#include "bootchain/legacy_event_log.h"

// What "slipway inspect eventlog" and its siblings print, as documented in docs/formats/inspect.md.
namespace slipway::cli {

// Bytes as hexadecimal, rows as objects.
boost::json::object to_json(const std::vector<bootchain::Field>& fields);

boost::json::object event_log_document(const bootchain::RecordedLog& recorded);
std::string event_log_table(const bootchain::RecordedLog& recorded);

boost::json::object ima_log_document(const std::vector<bootchain::UnverifiedImaEntry>& entries);
std::string ima_log_table(const std::vector<bootchain::UnverifiedImaEntry>& entries);

}  // namespace slipway::cli
