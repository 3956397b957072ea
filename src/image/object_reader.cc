#include "image/object_reader.h"

namespace slipway::image {
namespace {

constexpr std::size_t kSha256Size = 32;

}  // namespace

Result<ObjectReader> ObjectReader::open(const JsonDocument& document, std::string name) {
  return open(document.value, std::move(name), document.text, {});
}

Result<ObjectReader> ObjectReader::open(const boost::json::value& value, std::string name, std::string_view text,
                                        std::string path) {
  if (!value.is_object())
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: {} is not a JSON object", offset_in_json(text, path), name));
  return ObjectReader(value.get_object(), std::move(name), text, std::move(path));
}

Result<ObjectReader> ObjectReader::element(std::string_view key, std::size_t index, const boost::json::value& value,
                                           std::string name) const {
  return open(value, std::move(name), text_, fmt::format("{}/{}/{}", path_, key, index));
}

Result<const boost::json::value*> ObjectReader::take(std::string_view key) {
  const boost::json::value* value = object_->if_contains(key);
  if (value == nullptr) return malformed(fmt::format("has no \"{}\"", key));
  ++taken_;
  return value;
}

Result<std::string> ObjectReader::text(std::string_view key) {
  SLIPWAY_ASSIGN(const boost::json::value* value, take(key));
  if (!value->is_string()) return wrong(key, "a string");
  return std::string(value->get_string());
}

Result<bool> ObjectReader::boolean(std::string_view key) {
  SLIPWAY_ASSIGN(const boost::json::value* value, take(key));
  if (!value->is_bool()) return wrong(key, "true or false");
  return value->get_bool();
}

Result<std::uint64_t> ObjectReader::number(std::string_view key) {
  SLIPWAY_ASSIGN(const boost::json::value* value, take(key));
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  if (error || value->is_double()) return wrong(key, "a whole number that is not negative");
  return number;
}

Result<std::int64_t> ObjectReader::signed_number(std::string_view key) {
  SLIPWAY_ASSIGN(const boost::json::value* value, take(key));
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (error || value->is_double()) return wrong(key, "a whole number");
  return number;
}

Result<const boost::json::array*> ObjectReader::array(std::string_view key) {
  SLIPWAY_ASSIGN(const boost::json::value* value, take(key));
  if (!value->is_array()) return wrong(key, "an array");
  return &value->get_array();
}

Result<std::vector<std::string>> ObjectReader::texts(std::string_view key) {
  SLIPWAY_ASSIGN(const boost::json::array* values, array(key));
  std::vector<std::string> texts;
  for (const boost::json::value& value : *values) {
    if (!value.is_string()) return wrong(key, "an array of strings");
    texts.emplace_back(value.get_string());
  }
  return texts;
}

Result<Bytes> ObjectReader::digest(std::string_view key) {
  SLIPWAY_ASSIGN(const std::string hex, text(key));
  auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != kSha256Size) return wrong(key, "a SHA-256 digest of 64 hexadecimal digits");
  return bytes;
}

Result<std::vector<Bytes>> ObjectReader::digests(std::string_view key) {
  SLIPWAY_ASSIGN(const auto all, texts(key));
  std::vector<Bytes> digests;
  for (const std::string& text : all) {
    auto bytes = from_hex(text);
    if (!bytes || bytes->size() != kSha256Size) return wrong(key, "an array of SHA-256 digests");
    digests.push_back(*std::move(bytes));
  }
  return digests;
}

tl::unexpected<Error> ObjectReader::wrong(std::string_view key, std::string_view expected) const {
  return fail(ErrorCode::kMalformed,
              fmt::format("at offset {}: {}: \"{}\" is not {}", offset_in_json(text_, fmt::format("{}/{}", path_, key)),
                          name_, key, expected));
}

tl::unexpected<Error> ObjectReader::malformed(std::string_view message) const {
  return fail(ErrorCode::kMalformed, fmt::format("at offset {}: {} {}", offset_in_json(text_, path_), name_, message));
}

Status ObjectReader::finish() const {
  if (taken_ == object_->size()) return {};
  return malformed(
      fmt::format("has {} keys that are not known; this version of Slipway may be older than the one that "
                  "wrote it",
                  object_->size() - taken_));
}

}  // namespace slipway::image
