#include "agent/agent.h"

#include <fmt/core.h>

#include <algorithm>
#include <system_error>

#include "agent/node_file.h"
#include "crypto/certificate.h"
#include "files/file.h"
#include "http/client.h"

namespace slipway::agent {
namespace {

constexpr std::size_t kMaximumPem = 64U << 10;
constexpr int kRequestTimeoutSeconds = 60;
constexpr milliseconds kShortestInterval{1000};

Status keep_pending(const NodePaths& paths, const enrolment::NodeKeys& keys) {
  SLIPWAY_TRY(write_node_file(paths.pending_client_key(), keys.client.pem(), 0600));
  return write_node_file(paths.pending_serving_key(), keys.serving.pem(), 0600);
}

void forget_pending(const NodePaths& paths) {
  std::error_code ignored;
  std::filesystem::remove(paths.pending_client_key(), ignored);
  std::filesystem::remove(paths.pending_serving_key(), ignored);
}

std::optional<crypto::PrivateKey> key_from(std::string_view pem) {
  auto key = crypto::PrivateKey::from_pem(pem);
  if (!key) return {};
  return std::move(*key);
}

std::optional<crypto::PrivateKey> read_key(const std::filesystem::path& path) {
  const auto pem = files::read_file(path, kMaximumPem);
  if (!pem) return {};
  return key_from(as_text(*pem));
}

std::string failure_line(const Error& error, milliseconds delay) {
  const std::string reason = error.reason.empty() ? std::string(to_string(error.code)) : error.reason;
  return fmt::format("{}: {} Next try in {} s.", reason, error.message, delay.count() / 1000);
}

// Writes the files of new certificates. The first admission of a run is worth a line, and each renewal; evidence every
// five minutes is not.
Status take_up(const AgentParts& parts, const enrolment::NodeSession& session, const enrolment::StepOutcome& outcome,
               bool first) {
  SLIPWAY_ASSIGN(const auto files, node_configuration(outcome.admission, session.held()->keys, parts.paths));
  SLIPWAY_TRY(write_configuration(files));
  forget_pending(parts.paths);
  parts.log(fmt::format("{} as {} ({}), certificates until {}", first ? "enrolled" : "renewed",
                        outcome.admission.node_name, outcome.admission.verdict, to_rfc3339(session.held()->expires)));
  return {};
}

}  // namespace

enrolment::Transport https_transport(const enrolment::Bootstrap& bootstrap) {
  http::ClientOptions options;
  options.pinned_ca_key_sha256 = bootstrap.ca_key_sha256;
  options.timeout_seconds = kRequestTimeoutSeconds;
  options.maximum_response = enrolment::kMaximumMessageSize;
  const http::Client client(std::move(options));
  return [client, endpoint = bootstrap.endpoint](const std::string& path,
                                                 const std::string& body) -> Result<enrolment::Reply> {
    SLIPWAY_ASSIGN(http::Response response,
                   client.send({"POST", endpoint + path, {{"Content-Type", "application/json"}}, body}));
    return enrolment::Reply{response.status, std::move(response.body)};
  };
}

std::optional<enrolment::HeldCertificates> read_held(const NodePaths& paths, Time now) {
  // Certificate and key stand in one file, in this order.
  const auto pem = files::read_file(paths.client_pem(), kMaximumPem);
  auto serving = read_key(paths.state / "pki/serving.key");
  if (!pem || !serving) return {};
  const std::string_view text = as_text(*pem);
  const std::size_t key_at = text.find("-----BEGIN PRIVATE KEY-----");
  if (key_at == std::string_view::npos) return {};
  auto client = key_from(text.substr(key_at));
  const auto certificate = crypto::Certificate::from_pem(text.substr(0, key_at));
  if (!client || !certificate || certificate->not_after() <= now) return {};
  return enrolment::HeldCertificates{
      {std::move(*client), std::move(*serving)}, certificate->not_before(), certificate->not_after()};
}

std::optional<enrolment::NodeKeys> read_pending(const NodePaths& paths) {
  auto client = read_key(paths.pending_client_key());
  auto serving = read_key(paths.pending_serving_key());
  if (!client || !serving) return {};
  return enrolment::NodeKeys{std::move(*client), std::move(*serving)};
}

void run_agent(const AgentParts& parts) {
  // A vTPM node proves each boot afresh, with fresh keys; one without a vTPM goes on with what it has.
  const bool resumes = parts.attester == nullptr;
  enrolment::NodeSession session(parts.bootstrap, parts.transport, parts.attester,
                                 resumes ? read_held(parts.paths, parts.clock.now()) : std::nullopt,
                                 resumes ? read_pending(parts.paths) : std::nullopt);
  session.keep_pending_keys_with([&](const enrolment::NodeKeys& keys) { return keep_pending(parts.paths, keys); });

  int failures = 0;
  bool first = true;
  // Certificates that came and are not in their files yet: a full disk must not cost a second admission.
  std::optional<enrolment::StepOutcome> unwritten;
  Time next{};
  while (true) {
    Status status;
    if (!unwritten) {
      auto outcome = session.step(parts.clock.now());
      if (!outcome) {
        status = fail(std::move(outcome).error());
      } else {
        next = outcome->next;
        if (outcome->renewed) unwritten = std::move(*outcome);
      }
    }
    if (unwritten) status = take_up(parts, session, *unwritten, first);
    if (!status) {
      const milliseconds delay = enrolment::retry_delay(++failures, parts.random);
      parts.log(failure_line(status.error(), delay));
      if (!parts.wait(delay)) return;
      continue;
    }
    if (failures > 0 && !unwritten) parts.log("attested again");
    unwritten.reset();
    failures = 0;
    first = false;
    const milliseconds interval = std::max(next - parts.clock.now(), kShortestInterval);
    if (!parts.wait(enrolment::with_jitter(interval, parts.random))) return;
  }
}

}  // namespace slipway::agent
