#include "crypto/jws.h"

#include <array>
#include <boost/json.hpp>

#include "crypto/ecdsa_signature.h"

namespace slipway::crypto {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxToken = 16 * 1024;
constexpr std::size_t kNumberSize = 32;

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  // Header and payload with the dot between them: what is signed.
  std::string_view signed_part;
};

Result<Parts> split(std::string_view token) {
  if (token.size() > kMaxToken) return fail(ErrorCode::kMalformed, "the token is over 16 KiB");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return fail(ErrorCode::kMalformed, "the token has not the three parts of a JWS in compact form");
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
               token.substr(0, second)};
}

Result<json::object> parse_header(std::string_view encoded) {
  SLIPWAY_ASSIGN(const Bytes bytes, from_base64url(encoded));
  json::error_code error;
  const json::value value = json::parse(as_text(bytes), error);
  if (error || !value.is_object()) return fail(ErrorCode::kMalformed, "the token's header is not a JSON object");
  return value.get_object();
}

bool has_text(const json::object& object, std::string_view name, std::string_view expected) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() && std::string_view(found->get_string()) == expected;
}

tl::unexpected<Error> refuse(std::string why) { return fail(ErrorCode::kUnauthenticated, std::move(why)); }

}  // namespace

Result<std::string> sign_jws(const PrivateKey& key, std::string_view key_id, std::string_view type,
                             std::string_view payload) {
  const std::string header = json::serialize(json::object{{"alg", "ES256"}, {"kid", key_id}, {"typ", type}});
  std::string token = to_base64url(as_bytes(header)) + '.' + to_base64url(as_bytes(payload));
  SLIPWAY_ASSIGN(const Bytes der, key.sign(SignatureScheme::kEcdsaP256Sha256, as_bytes(token)));
  SLIPWAY_ASSIGN(auto numbers, decode_ecdsa_signature(der));
  numbers.r.insert(numbers.r.end(), numbers.s.begin(), numbers.s.end());
  token += '.' + to_base64url(numbers.r);
  if (token.size() > kMaxToken) return fail(ErrorCode::kInvalidArgument, "the payload makes a token of over 16 KiB");
  return token;
}

Result<std::string> unverified_jws_key_id(std::string_view token) {
  SLIPWAY_ASSIGN(const auto parts, split(token));
  SLIPWAY_ASSIGN(const auto header, parse_header(parts.header));
  const json::value* key_id = header.if_contains("kid");
  if (key_id == nullptr || !key_id->is_string())
    return fail(ErrorCode::kMalformed, "the token's header names no key (\"kid\")");
  return std::string(key_id->get_string());
}

Result<std::string> verify_jws(const PublicKey& key, std::string_view type, std::string_view token) {
  const auto parts = split(token);
  if (!parts) return refuse(parts.error().message);
  const auto header = parse_header(parts->header);
  if (!header) return refuse(header.error().message);
  if (!has_text(*header, "alg", "ES256")) return refuse("the token is not signed with ES256");
  if (!has_text(*header, "typ", type)) return refuse("the token is of another type than " + std::string(type));
  // RFC 7515 section 4.1.11: extensions that must be understood, and none is.
  if (header->contains("crit")) return refuse("the token asks for an extension that is not known here");
  const auto signature = from_base64url(parts->signature);
  if (!signature || signature->size() != 2 * kNumberSize) return refuse("the token's signature has a wrong form");
  const ByteView both = *signature;
  const auto der = encode_ecdsa_signature(both.first(kNumberSize), both.subspan(kNumberSize));
  if (!der || !key.verify(SignatureScheme::kEcdsaP256Sha256, as_bytes(parts->signed_part), *der))
    return refuse("the token's signature does not hold for this key");
  const auto payload = from_base64url(parts->payload);
  if (!payload) return refuse("the token's payload is not base64url");
  return std::string(as_text(*payload));
}

Result<std::string> to_jwk(const PublicKey& key, std::string_view key_id) {
  SLIPWAY_ASSIGN(const auto point, key.p256_point());
  return json::serialize(json::object{{"kty", "EC"},
                                      {"crv", "P-256"},
                                      {"use", "sig"},
                                      {"alg", "ES256"},
                                      {"kid", key_id},
                                      {"x", to_base64url(point.x)},
                                      {"y", to_base64url(point.y)}});
}

}  // namespace slipway::crypto
