#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/bytes.h"

namespace slipway {

// Where an edge asks for random bytes fit for keys; tests hand in one that repeats.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> bytes) = 0;
  Bytes bytes(std::size_t count) {
    Bytes result(count);
    fill(result);
    return result;
  }
};

// getrandom(2). Never fails once the kernel's pool is ready; anything else ends the process.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;
};

// A version 4 UUID (RFC 9562 section 5.4) in lower case, from 16 random bytes.
std::string make_uuid(Random& random);

}  // namespace slipway
