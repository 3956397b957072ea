#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/time.h"
#include "crypto/key.h"
#include "enrolment/messages.h"
#include "tpm/attester.h"

// The node's side of enrolment, without a network and without a clock of its own: the agent and the simulated nodes run
// the same code. docs/formats/enrolment.md.
namespace slipway::enrolment {

struct Reply {
  int status = 0;
  std::string body;
};
// Posts a JSON body to a path below the node endpoint ("/node/v1/<instance>/challenge"). kUnavailable where no answer
// came; any answer is a value.
using Transport = std::function<Result<Reply>(const std::string& path, const std::string& body)>;

// The kubelet's two keys, P-256, made in the node. They leave it only as certificate requests.
struct NodeKeys {
  crypto::PrivateKey client, serving;
};
NodeKeys generate_node_keys();

// The certificates that a node holds, with what renews them.
struct HeldCertificates {
  NodeKeys keys;
  Time obtained{};
  Time expires{};  // of the client certificate
};

// What one step brought.
struct StepOutcome {
  Admission admission;
  bool renewed = false;  // the admission carries new certificates, for NodeSession::held()->keys
  Time next{};           // when the next step is due, before jitter
};

// One exchange each; a refusal keeps the server's code in Error::reason.
Result<Admission> attest_once(const Transport& transport, tpm::Attester& attester, const std::string& instance,
                              Purpose purpose, const NodeKeys& keys);
Result<Admission> present_secret(const Transport& transport, const Bootstrap& bootstrap, const NodeKeys& keys);
// `certified` is the client key certified last.
Result<Admission> renew_once(const Transport& transport, const std::string& instance,
                             const crypto::PrivateKey& certified, const NodeKeys& keys);

// A node's life as seen by enrolment: enrols at the first step of a boot with fresh keys, then attests again with the
// keys it holds, and renews with fresh keys once half the certificates' life is over. With an attester it proves its
// boot; without one it presents the one-time secret and renews by the key certified last, also at the first step of a
// later boot: only an admission of this boot starts the kubelet. Not thread-safe.
class NodeSession {
 public:
  // Borrows the attester (null for a pool without a vTPM). `held` and `pending` are what an earlier run kept: the
  // certificates, and the keys that it presented with a one-time secret and saw no answer for.
  NodeSession(Bootstrap bootstrap, Transport transport, tpm::Attester* attester,
              std::optional<HeldCertificates> held = {}, std::optional<NodeKeys> pending = {});

  // Called before a one-time secret is presented, with the keys that will be certified: keeping them lets a node whose
  // answer was lost go on by renewal. May be empty.
  void keep_pending_keys_with(std::function<Status(const NodeKeys&)> keep) { keep_pending_ = std::move(keep); }

  // One step at `now`; an error leaves the session as it was, to be tried again after retry_delay().
  Result<StepOutcome> step(Time now);

  const std::optional<HeldCertificates>& held() const { return held_; }
  bool enrolled() const { return enrolled_; }

 private:
  Result<Admission> exchange(const NodeKeys& keys, Time now);
  bool past_half_life(Time now) const;

  Bootstrap bootstrap_;
  Transport transport_;
  tpm::Attester* attester_;
  std::optional<HeldCertificates> held_;
  std::function<Status(const NodeKeys&)> keep_pending_;
  std::optional<NodeKeys> pending_;  // presented with a one-time secret, its answer not seen
  bool enrolled_ = false;            // in this boot
};

// How long to wait after the `failures`-th failure in a row (from 1): doubles from 2 s up to 2 min, and between half
// of that and all of it by `random`, so that nodes do not come back in step.
milliseconds retry_delay(int failures, Random& random);
// `interval` made shorter by up to a tenth.
milliseconds with_jitter(milliseconds interval, Random& random);

}  // namespace slipway::enrolment
