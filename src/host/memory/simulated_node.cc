#include "host/memory/simulated_node.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "http/client.h"

namespace slipway::host {
namespace {

constexpr int kRequestTimeoutSeconds = 30;

// Sleeps until the time is over or the thread is to end; false: end.
bool wait_for(const std::stop_token& stop, milliseconds delay) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, delay, [] { return false; });
  return !stop.stop_requested();
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

SimulatedNode::SimulatedNode(SimulatedNodeOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  if (!options_.transport) options_.transport = https_transport(options_.bootstrap);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void SimulatedNode::run(const std::stop_token& stop) {
  SystemRandom random;
  enrolment::NodeSession session(options_.bootstrap, options_.transport, options_.attester.get(), options_.held);
  int failures = 0;
  while (!stop.stop_requested()) {
    const auto outcome = session.step(clock_.now());
    milliseconds delay{};
    if (outcome) {
      failures = 0;
      if (outcome->renewed && options_.on_admitted) options_.on_admitted(outcome->admission, session.held()->keys);
      const milliseconds interval = std::max(outcome->next - clock_.now(), milliseconds(0));
      delay = options_.interval.count() > 0 ? options_.interval : enrolment::with_jitter(interval, random);
    } else {
      ++failures;
      if (options_.on_refused) options_.on_refused(outcome.error(), failures);
      delay = enrolment::retry_delay(failures, random);
      if (options_.retry.count() > 0) delay = std::min(delay, options_.retry);
    }
    if (!wait_for(stop, delay)) return;
  }
}

}  // namespace slipway::host
