#pragma once

#include <cstdint>

namespace slipway::bench {

// What operator new has given out and operator delete has not taken back, in this process. OpenSSL's own memory is
// counted too: main() makes it allocate through the same counters.
struct LiveHeap {
  std::int64_t bytes = 0;
  std::int64_t blocks = 0;
  std::int64_t allocations = 0;  // ever made
};
LiveHeap live_heap();

// Lets OpenSSL allocate through the counters; before its first use.
void count_openssl_too();

}  // namespace slipway::bench
