#include "api/token_keys.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "files/file.h"

namespace slipway::api {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".pem";
constexpr std::size_t kMaximumFile = 64U << 10;

std::string id_of(const crypto::PrivateKey& key) { return to_hex(key.public_key().fingerprint()).substr(0, 16); }

std::int64_t unix_seconds(Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string path_of(const std::string& folder, Time made) {
  return fmt::format("{}/{:012}{}", folder, unix_seconds(made), kSuffix);
}

// The second that a key file's name says; nullopt for other files.
std::optional<Time> made_at(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.size() <= kSuffix.size() || file.extension() != kSuffix) return {};
  std::int64_t second = 0;
  const char* const end = name.data() + name.size() - kSuffix.size();
  const auto parsed = std::from_chars(name.data(), end, second);
  if (parsed.ec != std::errc() || parsed.ptr != end || second < 0) return {};
  return Time(std::chrono::seconds(second));
}

Status make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(ErrorCode::kUnavailable, fmt::format("{} cannot be made: {}", folder, std::strerror(errno)));
}

}  // namespace

TokenKeyPlan plan_token_keys(const std::vector<Time>& made, const TokenKeyTimes& times, Time now) {
  TokenKeyPlan plan;
  // The first key has no predecessor that could sign until everybody knows it.
  for (std::size_t i = 1; i < made.size(); ++i) {
    const Time signs_from = made[i] + times.lead;
    if (now < signs_from) break;
    plan.signer = i;
    if (now >= signs_from + times.kept) plan.drop = i;
  }
  plan.make_one = now >= made.back() + times.rotation;
  return plan;
}

Result<std::unique_ptr<TokenKeys>> TokenKeys::open(const std::string& folder, Time now, TokenKeyTimes times) {
  std::unique_ptr<TokenKeys> keys(new TokenKeys(folder + "/token-keys", times));
  SLIPWAY_TRY(make_folder(keys->folder_));
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(keys->folder_, error)) {
    const auto made = made_at(entry.path());
    if (!made) continue;
    SLIPWAY_ASSIGN(const std::string text, files::read_private_file(entry.path(), kMaximumFile));
    auto key = crypto::PrivateKey::from_pem(text);
    if (!key) {
      return fail(
          ErrorCode::kMalformed,
          fmt::format("{} holds no private key ({}): put back a copy from before, or remove it, and all clients "
                      "log in again",
                      entry.path().string(), key.error().message));
    }
    const std::string id = id_of(*key);
    keys->keys_.push_back({*made, id, std::move(*key)});
  }
  if (error) {
    return fail(ErrorCode::kUnavailable, fmt::format("{} cannot be read: {}", keys->folder_, error.message()));
  }
  std::sort(keys->keys_.begin(), keys->keys_.end(), [](const auto& a, const auto& b) { return a.made < b.made; });
  if (keys->keys_.empty()) SLIPWAY_TRY(keys->add(now));
  return keys;
}

std::unique_ptr<TokenKeys> TokenKeys::in_memory(crypto::PrivateKey first, Time now, TokenKeyTimes times) {
  std::unique_ptr<TokenKeys> keys(new TokenKeys({}, times));
  const std::string id = id_of(first);
  keys->keys_.push_back({now, id, std::move(first)});
  return keys;
}

Status TokenKeys::add(Time made) {
  crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  if (!folder_.empty()) SLIPWAY_TRY(files::create_file(path_of(folder_, made), as_bytes(key.pem()), 0600));
  const std::string id = id_of(key);
  keys_.push_back({made, id, std::move(key)});
  return {};
}

std::size_t TokenKeys::refresh(Time now) {
  const auto plan = [this, now] {
    std::vector<Time> made;
    for (const TokenKey& key : keys_) made.push_back(key.made);
    return plan_token_keys(made, times_, now);
  };
  if (plan().make_one) static_cast<void>(add(now));
  const TokenKeyPlan last = plan();
  for (std::size_t i = 0; i < last.drop; ++i) {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove(path_of(folder_, keys_[i].made), ignored);
  }
  keys_.erase(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(last.drop));
  return last.signer - last.drop;
}

TokenKey TokenKeys::signer(Time now) {
  const std::lock_guard lock(mutex_);
  return keys_[refresh(now)];
}

std::vector<TokenKey> TokenKeys::published(Time now) {
  const std::lock_guard lock(mutex_);
  refresh(now);
  return keys_;
}

std::optional<TokenKey> TokenKeys::find(std::string_view id, Time now) {
  const std::lock_guard lock(mutex_);
  refresh(now);
  for (const TokenKey& key : keys_) {
    if (key.id == id) return key;
  }
  return {};
}

}  // namespace slipway::api
