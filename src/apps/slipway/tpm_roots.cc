#include "apps/slipway/tpm_roots.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "apps/slipway/inspect_verbs.h"
#include "base/expected_at.h"
#include "crypto/certificate_details.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaximumFile = 1U << 20, kMaximumFiles = 1024;

// In the order of their names: what is complained of first does not depend on the disk.
Result<std::vector<std::string>> files_of(const std::string& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return fail(ErrorCode::kNotFound, folder + " does not exist");
  std::vector<std::string> paths;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const std::string extension = at->path().extension().native();
    const bool named = extension == ".pem" || extension == ".crt" || extension == ".cer" || extension == ".der";
    std::error_code ignored;
    if (named && at->is_regular_file(ignored)) paths.push_back(at->path().native());
    if (paths.size() > kMaximumFiles)
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("{} holds more than {} files of certificates", folder, kMaximumFiles));
  }
  if (error) return fail(ErrorCode::kPermissionDenied, fmt::format("cannot read {}: {}", folder, error.message()));
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<std::vector<crypto::Certificate>> certificates_in(ByteView file) {
  if (as_text(file).find("-----BEGIN ") != std::string_view::npos) return crypto::certificates_from_pem(as_text(file));
  auto certificate = crypto::Certificate::from_der(file);
  if (!certificate) return expected_at(0, "a certificate in PEM or DER: " + certificate.error().message);
  return std::vector<crypto::Certificate>{*std::move(certificate)};
}

}  // namespace

Result<tpm::EndorsementTrust> read_tpm_roots(const std::string& folder) {
  SLIPWAY_ASSIGN(const auto paths, files_of(folder));
  std::vector<crypto::Certificate> all;
  for (const std::string& path : paths) {
    SLIPWAY_ASSIGN(const Bytes file, read_input(path, kMaximumFile));
    const auto certificates = certificates_in(file);
    if (!certificates) return fail(malformed_input(path, certificates.error()));
    all.insert(all.end(), certificates->begin(), certificates->end());
  }
  tpm::EndorsementTrust trust = tpm::sort_endorsement_trust(all);
  if (trust.roots.empty())
    return fail(ErrorCode::kPreconditionFailed,
                fmt::format("{} holds no self-signed certificate in a file *.pem, *.crt, *.cer or *.der, so nothing in "
                            "it could vouch for a TPM",
                            folder),
                "NoTpmRoots");
  return trust;
}

}  // namespace slipway::cli
