#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/byte_reader.h"

// 64 KiB of what somebody who wants to keep the verifier busy would send: for each parser of what evidence, images and
// references are made of, inputs that reach its loops as often as possible for their size.
namespace slipway::bench {

struct Hostile {
  std::string name;
  Bytes input;
  std::function<void(ByteView)> parse;
};

inline constexpr std::size_t kHostileSize = 64U << 10;

// `start`, and behind it the unit as often as there is room.
inline Bytes repeated(ByteView unit, Bytes start = {}) {
  while (start.size() + unit.size() <= kHostileSize) put_bytes(start, unit);
  return start;
}

inline Bytes filled_to(Bytes bytes, std::uint8_t with = 0) {
  bytes.resize(kHostileSize, with);
  return bytes;
}

// One list of as many signatures without data as there is room for, as in db.
Bytes smallest_signatures();

// Images, signatures, certificates, volumes and JSON: what stands in files.
void add_hostile_files(std::vector<Hostile>& all);

}  // namespace slipway::bench
