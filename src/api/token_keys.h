#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "crypto/key.h"

namespace slipway::api {

inline constexpr seconds kTokenLifetime{3600};

// When keys come and go. A key is published for `lead` before it signs, so that whoever verifies has it by then, and is
// kept for as long as a token that it signed may live.
struct TokenKeyTimes {
  seconds rotation{24 * 3600};  // from one key's making to the next one's
  seconds lead{3600};
  seconds kept{kTokenLifetime + seconds(300)};  // after the next key began to sign
};

// What to do about keys that were made at `made` (ascending, at least one). Pure.
struct TokenKeyPlan {
  bool make_one = false;
  std::size_t drop = 0;    // the first so many are needed no more
  std::size_t signer = 0;  // an index into `made`
};
TokenKeyPlan plan_token_keys(const std::vector<Time>& made, const TokenKeyTimes& times, Time now);

struct TokenKey {
  Time made{};
  std::string id;  // what a token's "kid" says
  crypto::PrivateKey key;
};

// The keys that sign access tokens. They are files of mode 0600 in FOLDER/token-keys (0700), named by the second of
// their making; rotation happens by itself whenever one is asked for. Thread-safe.
class TokenKeys {
 public:
  // kMalformed, naming the file, for one that holds no key: it is never replaced.
  static Result<std::unique_ptr<TokenKeys>> open(const std::string& folder, Time now, TokenKeyTimes times = {});
  // One key that is kept nowhere, and rotates in memory: for tests.
  static std::unique_ptr<TokenKeys> in_memory(crypto::PrivateKey first, Time now, TokenKeyTimes times = {});

  TokenKey signer(Time now);
  // Those that verify, the coming one too, oldest first.
  std::vector<TokenKey> published(Time now);
  std::optional<TokenKey> find(std::string_view id, Time now);

 private:
  TokenKeys(std::string folder, TokenKeyTimes times) : folder_(std::move(folder)), times_(times) {}
  // Rotates as far as the disk lets it; where it does not, the keys that there are serve on.
  std::size_t refresh(Time now);
  Status add(Time made);

  const std::string folder_;  // of the key files; empty: in memory
  const TokenKeyTimes times_;
  std::mutex mutex_;
  std::vector<TokenKey> keys_;  // oldest first, never empty
};

}  // namespace slipway::api
