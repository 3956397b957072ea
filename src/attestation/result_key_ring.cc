#include <fmt/format.h>

#include <boost/json.hpp>

#include "attestation/json_cursor.h"
#include "attestation/result_token.h"
#include "crypto/jws.h"

namespace slipway::attestation {
namespace {

constexpr std::size_t kMaximumKeys = 16;
constexpr std::size_t kMaximumPem = 4096;
constexpr std::size_t kMaximumTime = 40;
constexpr std::int64_t kVersion = 1;

Result<Time> read_time(JsonCursor& cursor, std::string_view key) {
  SLIPWAY_TRY(cursor.expect_key(key));
  const std::size_t start = cursor.offset();
  SLIPWAY_ASSIGN(const std::string text, cursor.string(kMaximumTime));
  const auto time = from_rfc3339(text);
  if (!time) return cursor.malformed(start, "expected a time in UTC");
  return *time;
}

Result<ResultKey> read_key(JsonCursor& cursor) {
  SLIPWAY_TRY(cursor.enter_object());
  SLIPWAY_TRY(cursor.expect_key("key"));
  const std::size_t start = cursor.offset();
  SLIPWAY_ASSIGN(const std::string pem, cursor.string(kMaximumPem));
  auto key = crypto::PrivateKey::from_pem(pem);
  if (!key || key->public_key().is_rsa()) return cursor.malformed(start, "expected a private P-256 key, PEM");
  SLIPWAY_ASSIGN(const Time published, read_time(cursor, "published"));
  SLIPWAY_ASSIGN(const Time signs_from, read_time(cursor, "signsFrom"));
  SLIPWAY_TRY(cursor.leave_object());
  return make_result_key(*std::move(key), published, signs_from);
}

}  // namespace

ResultKey make_result_key(crypto::PrivateKey key, Time published, Time signs_from) {
  std::string id = to_hex(key.public_key().fingerprint()).substr(0, 16);
  return {std::move(key), std::move(id), published, signs_from};
}

bool ResultKeyRing::drop_old(Time now, const ResultKeyTimes& times) {
  const std::size_t before = keys_.size();
  while (keys_.size() > 1 && keys_[1].signs_from + times.token_lifetime <= now) keys_.erase(keys_.begin());
  return keys_.size() != before;
}

bool ResultKeyRing::is_due(Time now, const ResultKeyTimes& times) const {
  return keys_.back().signs_from + times.period - times.publication <= now;
}

Result<const ResultKey*> ResultKeyRing::signing_key(Time now) const {
  for (auto key = keys_.rbegin(); key != keys_.rend(); ++key)
    if (key->signs_from <= now) return &*key;
  return fail(ErrorCode::kPreconditionFailed,
              "no key may sign attestation results yet: was this machine's clock set back?");
}

Result<std::string> ResultKeyRing::key_set() const {
  std::string set;
  for (const ResultKey& key : keys_) {
    SLIPWAY_ASSIGN(const std::string jwk, crypto::to_jwk(key.key.public_key(), key.id));
    set += (set.empty() ? "" : ",") + jwk;
  }
  return "{\"keys\":[" + set + "]}";
}

std::string to_json(const ResultKeyRing& ring) {
  boost::json::array keys;
  for (const ResultKey& key : ring.keys())
    keys.push_back(boost::json::object{
        {"key", key.key.pem()}, {"published", to_rfc3339(key.published)}, {"signsFrom", to_rfc3339(key.signs_from)}});
  return boost::json::serialize(boost::json::object{{"version", kVersion}, {"keys", std::move(keys)}});
}

Result<ResultKeyRing> result_key_ring_from_json(std::string_view json) {
  JsonCursor cursor(json, "the keys of attestation results");
  std::vector<ResultKey> keys;
  SLIPWAY_TRY(cursor.enter_object());
  SLIPWAY_TRY(cursor.expect_key("version"));
  SLIPWAY_TRY(cursor.integer(kVersion, kVersion));
  SLIPWAY_TRY(cursor.expect_key("keys"));
  SLIPWAY_TRY(cursor.enter_array());
  while (true) {
    SLIPWAY_ASSIGN(const bool more, cursor.next_element());
    if (!more) break;
    const std::size_t start = cursor.offset();
    if (keys.size() == kMaximumKeys) return cursor.malformed(start, "more than 16 keys");
    SLIPWAY_ASSIGN(ResultKey key, read_key(cursor));
    if (!keys.empty() && key.signs_from < keys.back().signs_from)
      return cursor.malformed(start, "expected the keys in the order in which they sign");
    keys.push_back(std::move(key));
  }
  SLIPWAY_TRY(cursor.leave_object());
  SLIPWAY_TRY(cursor.finish());
  return ResultKeyRing(std::move(keys));
}

}  // namespace slipway::attestation
