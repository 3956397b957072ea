#include "api/installation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "api/json.h"
#include "api/token.h"
#include "crypto/secret_hash.h"
#include "files/file.h"

namespace slipway::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kInstallationKey = "/installation";
constexpr std::size_t kMaximumFile = 64U << 10;
constexpr std::chrono::hours kDay{24};
// Clocks of clients may be behind.
constexpr std::chrono::hours kBackdate{1};

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string();
}

// ca.pem and ca-key.pem. The key is written first, as one file with the certificate: a start that was cut short leaves
// either nothing or what the next one completes.
Result<crypto::Identity> read_or_make_authority(const std::string& folder, Time now, Random& random) {
  const std::string key_path = folder + "/ca-key.pem", certificate_path = folder + "/ca.pem";
  auto text = files::read_private_file(key_path, kMaximumFile);
  if (!text && text.error().code == ErrorCode::kNotFound) {
    SLIPWAY_ASSIGN(const crypto::Identity authority,
                   crypto::make_authority("Slipway API", now - kBackdate, now + 3650 * kDay, random));
    text = authority.certificate.pem() + authority.key.pem();
    SLIPWAY_TRY(files::create_file(key_path, as_bytes(*text), 0600));
  }
  if (!text) return fail(text.error());
  auto certificate = crypto::Certificate::from_pem(text->substr(0, text->find("-----BEGIN PRIVATE KEY-----")));
  const std::size_t key_start = text->find("-----BEGIN PRIVATE KEY-----");
  auto key = crypto::PrivateKey::from_pem(key_start == std::string::npos ? std::string() : text->substr(key_start));
  if (!certificate || !key) {
    return fail(ErrorCode::kMalformed,
                fmt::format("{} does not hold a certificate and its key: put back a copy from before", key_path));
  }
  const Status written = files::create_file(certificate_path, as_bytes(certificate->pem()), 0644);
  if (!written && written.error().code != ErrorCode::kConflict) return fail(written.error());
  return crypto::Identity{std::move(*certificate), std::move(*key)};
}

struct Ids {
  std::string tenant, subscription;
};

Result<Ids> read_or_make_ids(store::Store& store, Random& random) {
  auto document = store.get(kInstallationKey);
  if (!document && document.error().code == ErrorCode::kNotFound) {
    const json::object made{{"tenant", make_uuid(random)}, {"subscription", make_uuid(random)}};
    const std::string key(kInstallationKey);
    SLIPWAY_TRY(store.commit({{{key, 0}}, {{key, json::serialize(made)}}, {}}));
    document = store.get(kInstallationKey);
  }
  if (!document) return fail(document.error());
  SLIPWAY_ASSIGN(const json::object object, parse_body(document->value));
  Properties properties(object, "installation");
  Ids ids{properties.text("tenant"), properties.text("subscription")};
  SLIPWAY_TRY(properties.status());
  if (ids.tenant.empty() || ids.subscription.empty()) {
    return fail(ErrorCode::kMalformed, "the store's /installation names no tenant or no subscription");
  }
  return ids;
}

bool is_address(std::string_view text) {
  return text.find(':') != std::string_view::npos || text.find_first_not_of("0123456789.") == std::string_view::npos;
}

Status keep_administrator(store::Store& store, const std::string& client, const std::string& secret, Random& random) {
  const StoredPrincipal principal{client, crypto::hash_secret(secret, random), "admin", {}, {}};
  const RoleAssignment owner{make_uuid(random), client, std::string(to_string(Role::kOwner)), "/", {}, ""};
  const std::string key = principal_key(client);
  const auto committed =
      store.commit({{{key, 0}}, {{key, to_json(principal)}, {role_assignment_key(owner.id), to_json(owner)}}, {}});
  if (committed || committed.error().code == ErrorCode::kConflict) return {};
  return fail(committed.error());
}

}  // namespace

Result<StateFolder> StateFolder::claim(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("the state folder {} cannot be made: {}", path, std::strerror(errno)));
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::kUnavailable, fmt::format("{} is not a folder: name another state folder", path));
  }
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IROTH | S_IWOTH)) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("the state folder {} holds keys and is open to others: chown it to this user and chmod it "
                            "to 0700, or to 0711 where QEMU's user must pass through it",
                            path));
  }
  const std::string lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) {
    return fail(ErrorCode::kUnavailable, fmt::format("{} cannot be opened: {}", lock_path, std::strerror(errno)));
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return fail(
        ErrorCode::kConflict,
        fmt::format("another slipwayd works with the state folder {}: stop it first, or name another folder", path));
  }
  return StateFolder(path, lock);
}

StateFolder::~StateFolder() {
  if (lock_ >= 0) ::close(lock_);
}
StateFolder::StateFolder(StateFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}
StateFolder& StateFolder::operator=(StateFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

Result<ListenerCertificate> issue_listener_certificate(const Installation& installation,
                                                       const std::vector<std::string>& addresses, Time now,
                                                       Random& random) {
  crypto::CertificateTemplate content;
  content.common_name = "slipwayd";
  content.use = crypto::CertificateUse::kServer;
  content.not_before = now - kBackdate;
  content.not_after = now + 365 * kDay;
  for (const std::string& address : addresses) {
    if (address.empty()) continue;
    (is_address(address) ? content.ip_addresses : content.dns_names).push_back(address);
  }
  SLIPWAY_ASSIGN(const crypto::Identity identity, crypto::issue_identity(installation.authority, content, random));
  return ListenerCertificate{identity.certificate.pem() + installation.authority.certificate.pem(), identity.key.pem()};
}

Result<Installation> open_installation(const StateFolder& folder, const std::string& listen_address,
                                       store::Store& store, Time now, Random& random) {
  SLIPWAY_ASSIGN(crypto::Identity authority, read_or_make_authority(folder.path(), now, random));
  SLIPWAY_ASSIGN(auto token_keys, TokenKeys::open(folder.path(), now));
  SLIPWAY_ASSIGN(auto activity_log, ActivityLog::open(folder.path()));
  SLIPWAY_ASSIGN(Ids ids, read_or_make_ids(store, random));
  Installation installation{std::move(ids.tenant), std::move(ids.subscription), std::move(authority),
                            std::move(token_keys), std::move(activity_log),     std::string(),
                            std::string()};
  std::vector<std::string> names = {"127.0.0.1", "localhost", host_name()};
  if (listen_address != names.front()) names.push_back(listen_address);
  SLIPWAY_ASSIGN(ListenerCertificate certificate, issue_listener_certificate(installation, names, now, random));
  installation.server_certificate_chain = std::move(certificate.certificate_chain);
  installation.server_private_key = std::move(certificate.private_key);
  return installation;
}

std::string make_client_secret(Random& random) { return to_hex(random.bytes(32)); }

Status make_administrator(const StateFolder& folder, const Installation& installation, const std::string& endpoint,
                          store::Store& store, Random& random) {
  const std::string path = folder.path() + "/admin.json";
  SLIPWAY_ASSIGN(const auto principals, store.list(principal_key("")));
  if (!principals.empty()) return {};
  auto text = files::read_private_file(path, kMaximumFile);
  if (!text && text.error().code == ErrorCode::kNotFound) {
    text = json::serialize(json::object{{"endpoint", endpoint},
                                        {"tenantId", installation.tenant},
                                        {"subscriptionId", installation.subscription},
                                        {"clientId", make_uuid(random)},
                                        {"clientSecret", make_client_secret(random)}}) +
           "\n";
    SLIPWAY_TRY(files::create_file(path, as_bytes(*text), 0600));
  }
  if (!text) return fail(text.error());
  const auto parsed = parse_body(*text);
  const json::object empty;
  Properties properties(parsed ? *parsed : empty, "admin.json");
  const std::string client = properties.text("clientId"), secret = properties.text("clientSecret");
  if (!properties.status() || client.empty() || secret.empty() || properties.text("tenantId") != installation.tenant) {
    return fail(ErrorCode::kMalformed,
                fmt::format("{} is not of this installation, or cannot be read: move it away and start again", path));
  }
  return keep_administrator(store, client, secret, random);
}

}  // namespace slipway::api
