#include "control/evidence_archive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace slipway::control {
namespace {

// The whole file or nothing under that name, mode 0600, on the disk when it returns.
Status write_private_file(const std::filesystem::path& path, std::string_view text) {
  const std::string draft = path.string() + ".new";
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) {
    return fail(ErrorCode::kInternal, fmt::format("{} cannot be made: {}.", draft, std::strerror(errno)));
  }
  bool good = true;
  while (good && !text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    good = written > 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(written));
  }
  good = good && ::fsync(file) == 0;
  const int cause = errno;
  good = ::close(file) == 0 && good;
  if (!good || ::rename(draft.c_str(), path.c_str()) != 0) {
    const int why = good ? errno : cause;
    ::unlink(draft.c_str());
    return fail(ErrorCode::kInternal, fmt::format("{} cannot be written: {}.", path.string(), std::strerror(why)));
  }
  return {};
}

}  // namespace

Status EvidenceArchive::keep(const std::string& instance, const attestation::Verdict& verdict,
                             const enrolment::UnverifiedEvidenceRequest& evidence, bool changed) {
  const std::lock_guard lock(mutex_);
  const std::filesystem::path folder = folder_ / instance;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(ErrorCode::kInternal, fmt::format("{} cannot be made: {}.", folder.string(), error.message()));
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, error);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);

  const std::string text =
      fmt::format("{{\"verdict\":{},\"evidence\":{}}}\n", attestation::to_json(verdict), enrolment::to_json(evidence));
  const bool good = verdict.verdict_class == attestation::VerdictClass::kTrusted;
  if (good) SLIPWAY_TRY(write_private_file(folder / "last-good.json", text));
  if (!good || changed) {
    const std::string name =
        fmt::format("{}-{}.json", to_rfc3339(verdict.appraised), attestation::to_string(verdict.verdict_class));
    SLIPWAY_TRY(write_private_file(folder / name, text));
    SLIPWAY_TRY(prune(folder));
  }
  return {};
}

Status EvidenceArchive::prune(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename() != "last-good.json") files.push_back(entry.path());
  }
  // Names begin with the time, so their order is that of the evidence.
  std::sort(files.begin(), files.end());
  while (files.size() > kKeptPerInstance) {
    const auto oldest_but_kept = files.begin() + static_cast<std::ptrdiff_t>(kKeptPerInstance / 2);
    std::filesystem::remove(*oldest_but_kept, error);
    if (error) {
      return fail(ErrorCode::kInternal,
                  fmt::format("{} cannot be removed: {}.", oldest_but_kept->string(), error.message()));
    }
    files.erase(oldest_but_kept);
  }
  return {};
}

}  // namespace slipway::control
