#include "host/libvirt/vtpm.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "crypto/certificate.h"
#include "files/file.h"
#include "host/process.h"
#include "tpm/endorsement_certificate.h"
#include "tpm/public_area.h"

namespace slipway::host {
namespace {

constexpr const char* kSwtpmUser = "tss";
constexpr std::chrono::hours kAuthorityLife{24 * 365 * 30};
constexpr std::size_t kMaximumCertificate = 64U << 10;

std::filesystem::path state_folder(const std::string& uuid) {
  return std::filesystem::path(kSwtpmFolder) / uuid / "tpm2";
}

// Gives the folder and the files in it to swtpm's user.
Status hand_over(const std::filesystem::path& folder) {
  const passwd* user = ::getpwnam(kSwtpmUser);
  if (user == nullptr) {
    return fail(ErrorCode::kUnavailable, "user tss does not exist: install the packages swtpm and tpm-udev");
  }
  const auto give = [&](const std::filesystem::path& path) {
    return ::lchown(path.c_str(), user->pw_uid, user->pw_gid);
  };
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (give(entry.path()) != 0) return fail(files::system_error(entry.path().native()));
  }
  if (error || give(folder) != 0) return fail(files::system_error(folder.native()));
  return {};
}

}  // namespace

VtpmFactory::VtpmFactory(std::filesystem::path folder, Random& random, const Clock& clock)
    : folder_(std::move(folder)), random_(random), clock_(clock) {}

Result<RecordedEndorsementKey> VtpmFactory::manufacture(const std::string& uuid) {
  SLIPWAY_TRY(ensure_authority());
  const std::filesystem::path written = folder_ / "issued";
  SLIPWAY_TRY(files::remove_path(written));
  SLIPWAY_TRY(files::ensure_folder(written, 0700));
  SLIPWAY_TRY(set_up(uuid, {"--create-ek-cert", "--lock-nvram", "--vmid", uuid, "--write-ek-cert-files",
                            written.native(), "--config", (folder_ / "setup.conf").native()}));
  SLIPWAY_ASSIGN(const Bytes der, files::read_file(written / "ek-rsa2048.crt", kMaximumCertificate));
  SLIPWAY_ASSIGN(const Bytes authority_pem, files::read_file(folder_ / "certificate.pem", kMaximumCertificate));
  SLIPWAY_ASSIGN(const auto authority, crypto::Certificate::from_pem(as_text(authority_pem)));
  SLIPWAY_ASSIGN(RecordedEndorsementKey recorded, record_endorsement_key(der, authority, clock_.now()));
  SLIPWAY_TRY(hand_over(state_folder(uuid)));
  return recorded;
}

Status VtpmFactory::manufacture_uncertified(const std::string& uuid) {
  SLIPWAY_TRY(set_up(uuid, {}));
  return hand_over(state_folder(uuid));
}

Status VtpmFactory::remove(const std::string& uuid) {
  return files::remove_path(std::filesystem::path(kSwtpmFolder) / uuid);
}

Status VtpmFactory::ensure_authority() {
  SLIPWAY_TRY(files::ensure_folder(folder_, 0700));
  const std::filesystem::path key = folder_ / "key.pem", certificate = folder_ / "certificate.pem";
  if (!std::filesystem::exists(key) || !std::filesystem::exists(certificate)) {
    const Time now = clock_.now();
    SLIPWAY_ASSIGN(const auto authority,
                   crypto::make_authority("Slipway vTPM authority " + to_hex(random_.bytes(4)),
                                          now - std::chrono::hours(1), now + kAuthorityLife, random_));
    SLIPWAY_TRY(files::replace_file(key, as_bytes(authority.key.pem()), 0600));
    SLIPWAY_TRY(files::replace_file(certificate, as_bytes(authority.certificate.pem()), 0644));
  }
  const std::string folder = folder_.native();
  SLIPWAY_TRY(files::replace_file(folder_ / "localca.conf",
                                  as_bytes(fmt::format("statedir = {0}\nsigningkey = {0}/key.pem\nissuercert = "
                                                       "{0}/certificate.pem\ncertserial = {0}/serial\n",
                                                       folder)),
                                  0600));
  SLIPWAY_TRY(files::replace_file(
      folder_ / "localca.options",
      as_bytes("--platform-manufacturer Slipway\n--platform-version 1\n--platform-model QEMU\n"), 0600));
  return files::replace_file(
      folder_ / "setup.conf",
      as_bytes(fmt::format("create_certs_tool = /usr/bin/swtpm_localca\ncreate_certs_tool_config = "
                           "{0}/localca.conf\ncreate_certs_tool_options = {0}/localca.options\n",
                           folder)),
      0600);
}

// As root, not as swtpm's user: the authority's key stays out of that user's reach, and no guest has a word in this.
Status VtpmFactory::set_up(const std::string& uuid, const std::vector<std::string>& further_arguments) {
  SLIPWAY_TRY(remove(uuid));
  SLIPWAY_TRY(files::ensure_folder(kSwtpmFolder, 0711));
  SLIPWAY_TRY(files::ensure_folder(state_folder(uuid).parent_path(), 0711));
  SLIPWAY_TRY(files::ensure_folder(state_folder(uuid), 0700));
  std::vector<std::string> argv{"swtpm_setup", "--tpm2", "--tpmstate",  state_folder(uuid).native(),
                                "--runas",     "root",   "--pcr-banks", "sha256"};
  argv.insert(argv.end(), further_arguments.begin(), further_arguments.end());
  auto made = run_checked({.argv = std::move(argv), .timeout = seconds{60}});
  if (!made) {
    return fail(ErrorCode::kUnavailable,
                "the vTPM of " + uuid + " cannot be made (package swtpm-tools): " + made.error().message);
  }
  return {};
}

Result<RecordedEndorsementKey> record_endorsement_key(ByteView certificate, const crypto::Certificate& authority,
                                                      Time at) {
  SLIPWAY_ASSIGN(const auto unverified, crypto::Certificate::from_der(certificate));
  SLIPWAY_ASSIGN(const auto key, unverified.public_key());
  SLIPWAY_ASSIGN(const auto checked, tpm::check_endorsement_certificate(certificate, key, {{authority}, {}}, at));
  SLIPWAY_ASSIGN(const auto numbers, key.rsa_numbers());
  RecordedEndorsementKey recorded;
  recorded.certificate = checked.certificate.pem();
  recorded.authority = authority.pem();
  recorded.public_area = tpm::marshal_public_area(tpm::endorsement_key_area(numbers));
  SLIPWAY_TRY(tpm::check_endorsement_key(recorded.public_area));
  return recorded;
}

}  // namespace slipway::host
