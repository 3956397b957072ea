#include "control/result_keys.h"

#include <fmt/format.h>

#include "crypto/jws.h"
#include "files/file.h"

namespace slipway::control {
namespace {

constexpr std::size_t kMaximumFile = 256U << 10;

}  // namespace

Result<std::unique_ptr<ResultKeys>> ResultKeys::open(std::filesystem::path file, attestation::ResultKeyTimes times,
                                                     Time now) {
  attestation::ResultKeyRing ring;
  const auto text = files::read_private_file(file, kMaximumFile);
  if (!text && text.error().code != ErrorCode::kNotFound) return fail(text.error());
  if (text) {
    auto known = attestation::result_key_ring_from_json(*text);
    if (!known) {
      return fail(ErrorCode::kMalformed,
                  fmt::format("{}: {}. Put back a copy from before, or move it away: then what it signed can no longer "
                              "be verified.",
                              file.string(), known.error().message));
    }
    ring = *std::move(known);
  }
  std::unique_ptr<ResultKeys> keys(new ResultKeys(std::move(file), times, std::move(ring)));
  {
    const std::lock_guard lock(keys->mutex_);
    SLIPWAY_TRY(keys->advance(now));
  }
  return keys;
}

Status ResultKeys::advance(Time now) {
  attestation::ResultKeyRing next = ring_;
  if (!next.advance(now, times_, crypto::PrivateKey::generate_p256)) return {};
  SLIPWAY_TRY(files::replace_file(file_, as_bytes(attestation::to_json(next)), 0600));
  ring_ = std::move(next);
  return {};
}

Result<std::string> ResultKeys::sign(std::string_view payload, Time now) {
  const std::lock_guard lock(mutex_);
  SLIPWAY_TRY(advance(now));
  SLIPWAY_ASSIGN(const attestation::ResultKey* const key, ring_.signing_key(now));
  return crypto::sign_jws(key->key, key->id, attestation::kResultType, payload);
}

Result<std::string> ResultKeys::key_set(Time now) {
  const std::lock_guard lock(mutex_);
  SLIPWAY_TRY(advance(now));
  return ring_.key_set();
}

}  // namespace slipway::control
