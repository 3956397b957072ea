#include "control/evidence_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "crypto/digest.h"
#include "files/file.h"

namespace slipway::control {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaximumSighting = 64U << 10;
constexpr std::size_t kMaximumResult = 64U << 10;
constexpr std::size_t kMaximumLog = 1U << 20;
constexpr std::string_view kLastGood = "last-good.json";
constexpr std::string_view kVerdicts = "verdicts.log";
constexpr std::string_view kTpm = "tpm.json";
constexpr std::string_view kResult = "result.jwt";

bool is_numbered_bundle(const fs::path& path) {
  return path.extension() == ".json" && path.filename() != kLastGood && path.filename() != kTpm;
}

// Names begin with the time, so their order is that of the evidence.
std::vector<fs::path> numbered_bundles(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (is_numbered_bundle(entry.path())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string digest_of(const attestation::UnverifiedEvidence& evidence) {
  crypto::Hasher hasher(crypto::HashAlgorithm::kSha256);
  for (const Bytes* part : {&evidence.attest, &evidence.signature, &evidence.firmware_event_log, &evidence.ima_log})
    hasher.update(*part);
  return to_hex(hasher.finish());
}

// The last half of a log that is full, and the new line.
std::string appended(std::string log, const std::string& line) {
  const auto lines = static_cast<std::size_t>(std::count(log.begin(), log.end(), '\n'));
  if (lines >= EvidenceArchive::kLoggedVerdicts) {
    std::size_t start = 0;
    for (std::size_t dropped = 0; dropped <= lines - EvidenceArchive::kLoggedVerdicts / 2; ++dropped)
      start = log.find('\n', start) + 1;
    log.erase(0, start);
  }
  return log + line + "\n";
}

Status log_verdict(const fs::path& file, const EvidenceArchive::Kept& kept) {
  auto log = files::read_private_file(file, kMaximumLog);
  if (!log && log.error().code != ErrorCode::kNotFound) return fail(log.error());
  const std::string line =
      boost::json::serialize(boost::json::object{{"appraised", to_rfc3339(kept.verdict.appraised)},
                                                 {"verdict", attestation::to_string(kept.verdict.verdict_class)},
                                                 {"evidenceSha256", digest_of(kept.bundle.evidence)}});
  return files::replace_file(file, as_bytes(appended(log ? *std::move(log) : std::string(), line)), 0600);
}

}  // namespace

fs::path EvidenceArchive::folder_of(const std::string& instance) const { return folder_ / instance; }

Result<EvidenceArchive::LastSighting> EvidenceArchive::last_sighting(const std::string& instance) {
  const std::lock_guard lock(mutex_);
  const fs::path file = folder_of(instance) / kTpm;
  const auto text = files::read_private_file(file, kMaximumSighting);
  if (!text && text.error().code == ErrorCode::kNotFound) return LastSighting{};
  if (!text) return fail(text.error());
  const std::size_t line = text->find('\n');
  auto sighting = attestation::sighting_from_json(std::string_view(*text).substr(line == std::string::npos ? 0 : line));
  if (line == std::string::npos || !sighting) {
    return fail(ErrorCode::kMalformed,
                fmt::format("{} cannot be read ({}), so it is not known whether the TPM went back since. Put back a "
                            "copy from before, or re-image the node.",
                            file.string(), sighting ? "it has no boot id" : sighting.error().message));
  }
  return LastSighting{*std::move(sighting), text->substr(0, line) != boot_id_};
}

Status EvidenceArchive::keep(const std::string& instance, const Kept& kept) {
  const std::lock_guard lock(mutex_);
  const fs::path folder = folder_of(instance);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(ErrorCode::kInternal, fmt::format("{} cannot be made: {}.", folder.string(), error.message()));
  fs::permissions(folder_, fs::perms::owner_all, error);
  fs::permissions(folder, fs::perms::owner_all, error);

  // The sighting first: without it a verdict could be repeated against an older one.
  if (kept.sighting)
    SLIPWAY_TRY(files::replace_file(folder / kTpm,
                                    as_bytes(boot_id_ + "\n" + attestation::to_json(*kept.sighting) + "\n"), 0600));
  const std::string text = attestation::to_json(kept.bundle);
  const bool good = kept.verdict.verdict_class == attestation::VerdictClass::kTrusted;
  if (good) SLIPWAY_TRY(files::replace_file(folder / kLastGood, as_bytes(text), 0600));
  if (!good || kept.changed) {
    const std::string name = fmt::format("{}-{}.json", to_rfc3339(kept.verdict.appraised),
                                         attestation::to_string(kept.verdict.verdict_class));
    SLIPWAY_TRY(files::replace_file(folder / name, as_bytes(text), 0600));
    SLIPWAY_TRY(prune(folder));
  }
  if (!kept.result.empty()) SLIPWAY_TRY(files::replace_file(folder / kResult, as_bytes(kept.result), 0600));
  return log_verdict(folder / kVerdicts, kept);
}

Status EvidenceArchive::prune(const fs::path& folder) {
  std::vector<fs::path> files = numbered_bundles(folder);
  std::error_code error;
  while (files.size() > kKeptPerInstance) {
    const auto oldest_but_kept = files.begin() + static_cast<std::ptrdiff_t>(kKeptPerInstance / 2);
    fs::remove(*oldest_but_kept, error);
    if (error) {
      return fail(ErrorCode::kInternal,
                  fmt::format("{} cannot be removed: {}.", oldest_but_kept->string(), error.message()));
    }
    files.erase(oldest_but_kept);
  }
  return {};
}

Result<std::string> EvidenceArchive::last_bundle(const std::string& instance) {
  const std::lock_guard lock(mutex_);
  const fs::path folder = folder_of(instance);
  std::error_code error;
  const fs::path good = folder / kLastGood;
  const std::vector<fs::path> others = numbered_bundles(folder);
  const auto good_time = fs::last_write_time(good, error);
  const bool has_good = !error;
  if (!has_good && others.empty()) {
    return fail(ErrorCode::kNotFound, "The node has sent no evidence that could be kept.");
  }
  const bool other_is_younger = !others.empty() && (!has_good || fs::last_write_time(others.back(), error) > good_time);
  return files::read_private_file(other_is_younger ? others.back() : good, attestation::kMaximumBundle);
}

Result<std::string> EvidenceArchive::last_result(const std::string& instance) {
  const std::lock_guard lock(mutex_);
  auto token = files::read_private_file(folder_of(instance) / kResult, kMaximumResult);
  if (!token && token.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound, "No attestation result was issued for the node yet.");
  }
  return token;
}

}  // namespace slipway::control
