#pragma once

#include <cstdint>

namespace slipway::bench {

// What operator new gave out and operator delete did not take back while a HeapCount lived. OpenSSL's own memory is
// counted too: main() makes it allocate through the same counters. Counting takes time, so nothing is counted, and next
// to nothing slowed, while there is no HeapCount.
struct LiveHeap {
  std::int64_t bytes = 0;
  std::int64_t blocks = 0;
  std::int64_t allocations = 0;  // ever made
};
// One at a time.
class HeapCount {
 public:
  HeapCount();
  ~HeapCount();
  HeapCount(const HeapCount&) = delete;
  HeapCount& operator=(const HeapCount&) = delete;
  LiveHeap so_far() const;
};

// Lets OpenSSL allocate through the counters; before its first use.
void count_openssl_too();

}  // namespace slipway::bench
