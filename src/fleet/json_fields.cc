#include "fleet/json_fields.h"

#include <fmt/format.h>

#include <limits>

namespace slipway::fleet {
namespace {

// A document of the store is at most 8 MiB; what is deeper than this was not written by Slipway.
constexpr std::size_t kMaximumDepth = 8;

}  // namespace

FieldReader::FieldReader(std::string_view noun, std::string_view json) : noun_(noun) {
  boost::json::parse_options options;
  options.max_depth = kMaximumDepth;
  boost::json::error_code code;
  boost::json::value value = boost::json::parse(json, code, {}, options);
  // Written before FieldWriter saw to it: one byte in a sentence must not make a record unreadable.
  if (code && !is_utf8(json)) value = boost::json::parse(valid_utf8(std::string(json)), code, {}, options);
  if (code) {
    error_ = Error{ErrorCode::kMalformed, fmt::format("The {} is not JSON: {}.", noun_, code.message()), {}, {}};
  } else if (!value.is_object()) {
    error_ = Error{ErrorCode::kMalformed, fmt::format("The {} is not a JSON object.", noun_), {}, {}};
  } else {
    object_ = std::move(value.as_object());
  }
}

const boost::json::value* FieldReader::take(std::string_view name) {
  if (error_) return nullptr;
  seen_.emplace(name);
  const boost::json::value* value = object_.if_contains(name);
  if (value == nullptr) reject(name, "is missing");
  return value;
}

const std::string* FieldReader::take_text(std::string_view name) {
  const boost::json::value* value = take(name);
  if (value == nullptr) return nullptr;
  if (!value->is_string()) {
    reject(name, "is not a string");
    return nullptr;
  }
  text_.assign(value->get_string().begin(), value->get_string().end());
  return &text_;
}

void FieldReader::reject(std::string_view name, std::string_view expected) {
  if (error_) return;
  error_ =
      Error{ErrorCode::kMalformed, fmt::format("The {}'s \"{}\" {}.", noun_, name, expected), {}, std::string(name)};
}

void FieldReader::operator()(std::string_view name, std::string& value) {
  if (const std::string* text = take_text(name)) value = *text;
}

void FieldReader::operator()(std::string_view name, int& value) {
  const boost::json::value* found = take(name);
  if (found == nullptr) return;
  if (!found->is_int64() || found->get_int64() < std::numeric_limits<int>::min() ||
      found->get_int64() > std::numeric_limits<int>::max()) {
    reject(name, "is not a whole number");
    return;
  }
  value = static_cast<int>(found->get_int64());
}

void FieldReader::operator()(std::string_view name, bool& value) {
  const boost::json::value* found = take(name);
  if (found == nullptr) return;
  if (!found->is_bool()) {
    reject(name, "is neither true nor false");
    return;
  }
  value = found->get_bool();
}

void FieldReader::operator()(std::string_view name, Bytes& value) {
  const std::string* text = take_text(name);
  if (text == nullptr) return;
  auto bytes = from_base64(*text);
  if (!bytes) {
    reject(name, "is not base64");
    return;
  }
  value = std::move(*bytes);
}

void FieldReader::operator()(std::string_view name, std::vector<std::string>& value) {
  const boost::json::value* found = take(name);
  if (found == nullptr) return;
  if (!found->is_array()) {
    reject(name, "is not a list");
    return;
  }
  std::vector<std::string> texts;
  for (const boost::json::value& element : found->get_array()) {
    if (!element.is_string()) {
      reject(name, "is not a list of strings");
      return;
    }
    texts.emplace_back(element.get_string());
  }
  value = std::move(texts);
}

void FieldReader::operator()(std::string_view name, Time& value) {
  const std::string* text = take_text(name);
  if (text == nullptr) return;
  const auto time = from_rfc3339(*text);
  if (!time) {
    reject(name, "is not a time of RFC 3339 in UTC");
    return;
  }
  value = *time;
}

void FieldReader::operator()(std::string_view name, std::optional<Time>& value) {
  const boost::json::value* found = take(name);
  if (found == nullptr) return;
  if (found->is_null()) {
    value.reset();
    return;
  }
  Time time{};
  (*this)(name, time);
  value = time;
}

void FieldReader::operator()(std::string_view name, ProvisioningState& value) {
  const std::string* text = take_text(name);
  if (text == nullptr) return;
  for (const ProvisioningState state :
       {ProvisioningState::kCreating, ProvisioningState::kUpdating, ProvisioningState::kScaling,
        ProvisioningState::kUpgradingNodeImageVersion, ProvisioningState::kDeleting, ProvisioningState::kSucceeded,
        ProvisioningState::kFailed, ProvisioningState::kCanceled}) {
    if (to_string(state) == *text) {
      value = state;
      return;
    }
  }
  reject(name, "is not a provisioning state");
}

void FieldReader::operator()(std::string_view name, NodePhase& value) {
  const std::string* text = take_text(name);
  if (text == nullptr) return;
  for (const NodePhase phase :
       {NodePhase::kProvisioning, NodePhase::kBooting, NodePhase::kAdmitted, NodePhase::kReady, NodePhase::kBootRefused,
        NodePhase::kUntrusted, NodePhase::kSilent, NodePhase::kDeleting}) {
    if (to_string(phase) == *text) {
      value = phase;
      return;
    }
  }
  reject(name, "is not a node phase");
}

Status FieldReader::finish() const {
  if (error_) return fail(*error_);
  for (const auto& member : object_) {
    if (!seen_.contains(std::string_view(member.key().data(), member.key().size()))) {
      return fail(ErrorCode::kMalformed,
                  fmt::format("The {} has a key \"{}\" that this version of Slipway does not know.", noun_,
                              std::string_view(member.key().data(), member.key().size())));
    }
  }
  return {};
}

}  // namespace slipway::fleet
