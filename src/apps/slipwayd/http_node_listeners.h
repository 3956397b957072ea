#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "api/installation.h"
#include "base/random.h"
#include "base/time.h"
#include "control/node_listeners.h"
#include "enrolment/service.h"
#include "http/server.h"
#include "store/store.h"

namespace slipway::slipwayd {

// One HTTPS server for each cluster, on its gateway's address, with the enrolment routes and no others. Its port is
// picked once and kept in the store. The enrolment service is given later than this is made (it needs what the loops
// need), and before the first call of ensure().
class HttpNodeListeners final : public control::NodeListeners {
 public:
  HttpNodeListeners(const api::Installation& installation, store::Store& store, const Clock& clock, Random& random)
      : installation_(installation), store_(store), clock_(clock), random_(random) {}

  void serve(enrolment::Service& service) { service_ = &service; }

  Result<control::NodeEndpoint> ensure(const std::string& cluster, const std::string& gateway) override;
  void remove(const std::string& cluster) override;

 private:
  Result<std::unique_ptr<http::Server>> start(const std::string& gateway, int port);

  const api::Installation& installation_;
  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  enrolment::Service* service_ = nullptr;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<http::Server>> servers_;
};

}  // namespace slipway::slipwayd
