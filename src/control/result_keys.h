#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "attestation/result_token.h"

namespace slipway::control {

// The keys that sign attestation results, in one file of mode 0600 in the state folder. They sign nothing else, and are
// changed by themselves: a new key is published before it signs, an old one stays published until what it signed has
// expired. Thread-safe.
class ResultKeys {
 public:
  // Reads the file, or makes it. kMalformed, naming it, where it cannot be read: keys are never replaced in silence.
  static Result<std::unique_ptr<ResultKeys>> open(std::filesystem::path file, attestation::ResultKeyTimes times,
                                                  Time now);

  // A token of the payload, by the key whose turn it is.
  Result<std::string> sign(std::string_view payload, Time now);
  // The JSON Web Key Set of now.
  Result<std::string> key_set(Time now);
  seconds token_lifetime() const { return times_.token_lifetime; }

 private:
  ResultKeys(std::filesystem::path file, attestation::ResultKeyTimes times, attestation::ResultKeyRing ring)
      : file_(std::move(file)), times_(times), ring_(std::move(ring)) {}
  // Brings the ring to `now`, on the disk before anybody sees it.
  Status advance(Time now);

  const std::filesystem::path file_;
  const attestation::ResultKeyTimes times_;
  std::mutex mutex_;
  attestation::ResultKeyRing ring_;
};

}  // namespace slipway::control
