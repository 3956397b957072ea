#pragma once

#include <lzma.h>

#include <cstdlib>
#include <string_view>

#include "base/byte_reader.h"
#include "bootchain/efi_guid.h"

// Firmware volumes, files and sections as EDK II makes them, for tests and fuzz targets.
namespace slipway::bootchain::testing {

inline constexpr std::string_view kLzmaPacking = "ee4e5898-3914-4259-9d6e-dc7bd79403cf";

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline Bytes pack(ByteView bytes) {
  lzma_options_lzma options;
  require(!lzma_lzma_preset(&options, 1));
  options.dict_size = 1U << 16;
  lzma_stream stream = LZMA_STREAM_INIT;
  require(lzma_alone_encoder(&stream, &options) == LZMA_OK);
  Bytes packed(bytes.size() * 2 + 1024);
  stream.next_in = bytes.data();
  stream.avail_in = bytes.size();
  stream.next_out = packed.data();
  stream.avail_out = packed.size();
  require(lzma_code(&stream, LZMA_FINISH) == LZMA_STREAM_END);
  packed.resize(static_cast<std::size_t>(stream.total_out));
  lzma_end(&stream);
  return packed;
}

inline void put_guid(Bytes& out, std::string_view guid) { put_bytes(out, guid_from_text(guid).value().bytes); }

// Sets the checksum in the volume's header, so that its words add up to zero.
inline void sum_up_volume(Bytes& bytes, std::size_t at, std::size_t header_size) {
  constexpr std::size_t kChecksum = 50;
  std::uint16_t sum = 0;
  for (std::size_t i = at; i < at + header_size; i += 2)
    if (i != at + kChecksum) sum = static_cast<std::uint16_t>(sum + (bytes[i] | bytes[i + 1] << 8));
  const auto check = static_cast<std::uint16_t>(0x10000 - sum);
  bytes[at + kChecksum] = static_cast<std::uint8_t>(check);
  bytes[at + kChecksum + 1] = static_cast<std::uint8_t>(check >> 8);
}

// The bytes with right checksums in the headers of all volumes among them: behind a valid one little would be reached
// by chance.
inline Bytes with_volume_checksums(ByteView input) {
  constexpr std::size_t kSignature = 40, kHeaderSize = 48, kFixed = 56;
  Bytes bytes = to_bytes(input);
  for (std::size_t at = 0; at + kFixed <= bytes.size(); ++at) {
    if (as_text(ByteView(bytes).subspan(at + kSignature, 4)) != "_FVH") continue;
    const std::size_t size = bytes[at + kHeaderSize] | std::size_t{bytes[at + kHeaderSize + 1]} << 8;
    if (size >= kFixed && size % 2 == 0 && size <= bytes.size() - at) sum_up_volume(bytes, at, size);
  }
  return bytes;
}

// A volume of this content, with a header of 56 bytes whose checksum holds.
inline Bytes volume(ByteView content) {
  Bytes bytes(16, 0);
  put_guid(bytes, "8c8ce578-8a3d-4f1c-9935-896185c32dd3");
  put_u64_le(bytes, 56 + content.size());
  put_u32_le(bytes, 0x4856465f);
  put_u32_le(bytes, 0);
  put_u16_le(bytes, 56);
  put_u16_le(bytes, 0);  // checksum
  put_u16_le(bytes, 0);
  put_u16_le(bytes, 0x0200);
  sum_up_volume(bytes, 0, 56);
  put_bytes(bytes, content);
  return bytes;
}

inline Bytes section(std::uint8_t type, ByteView content) {
  Bytes bytes;
  put_u32_le(bytes, static_cast<std::uint32_t>(content.size() + 4) | std::uint32_t{type} << 24);
  put_bytes(bytes, content);
  while (bytes.size() % 4 != 0) bytes.push_back(0);
  return bytes;
}

inline Bytes file(std::uint8_t type, ByteView content) {
  Bytes bytes(16, 0x11);
  const std::size_t size = content.size() + 24;
  for (const std::size_t field : {std::size_t{0}, std::size_t{0xaa}, std::size_t{type}, std::size_t{0}, size, size >> 8,
                                  size >> 16, std::size_t{0xf8}})
    bytes.push_back(static_cast<std::uint8_t>(field));
  std::uint8_t sum = 0;
  for (std::size_t i = 0; i < 24; ++i)
    if (i != 17 && i != 23) sum = static_cast<std::uint8_t>(sum + bytes[i]);
  bytes[16] = static_cast<std::uint8_t>(0x100 - sum);
  put_bytes(bytes, content);
  return bytes;
}

// A code file whose volume holds one file with one packed section.
inline Bytes packed_firmware(ByteView packed, std::string_view packing = kLzmaPacking, std::uint16_t data_offset = 24) {
  Bytes guided;
  put_guid(guided, packing);
  put_u16_le(guided, data_offset);
  put_u16_le(guided, 1);
  put_bytes(guided, packed);
  Bytes content = file(0x0b, section(0x02, guided));
  content.resize(content.size() + 512, 0xff);
  return volume(content);
}

}  // namespace slipway::bootchain::testing
