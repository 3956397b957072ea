#pragma once

#include "base/time.h"
#include "enrolment/service.h"
#include "http/message.h"

namespace slipway::api {

// The node listener's only routes: POST /node/v1/{instance}/{challenge|evidence|secret|renewal-challenge|renewal}.
// Anything else is 404 with an empty body. A refusal is {"error":{"code","message"}}, its code one of
// enrolment/refusal.h's names.
//
// Rates: an address has a bucket of kNodeBurst requests that refills by one every kNodeRefill, each instance that may
// ask from there another, and what is no route, names no live instance or one whose VM has another address is taken
// from a third; beyond that 429 with Retry-After. So nobody uses up what belongs to another node. Loopback addresses
// are the host's own: only the instance is counted there. Borrows both arguments for as long as the handler lives.
// Thread-safe.
inline constexpr int kNodeBurst = 20;
inline constexpr milliseconds kNodeRefill{1000};
// How large a body the listener reads: 4 MiB for evidence, 64 KiB for everything else. An http::BodyLimit.
std::size_t node_body_limit(const http::Request& head);
http::Handler make_node_listener(enrolment::Service& service, const Clock& clock);

}  // namespace slipway::api
