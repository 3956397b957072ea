#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "base/bytes.h"

// PE32+ images of any content, for tests.
namespace slipway::bootchain::testing {

inline constexpr std::size_t kPeHeaders = 0x400;
inline constexpr std::size_t kPeOffset = 0x40;
inline constexpr std::size_t kPeOptional = kPeOffset + 24;
inline constexpr std::size_t kPeOptionalSize = 112 + 16 * 8;
inline constexpr std::size_t kPeCertificateEntry = kPeOptional + 112 + 4 * 8;

inline void set_u32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

// Names of more than 8 characters go into the string table, as in shim.
inline Bytes make_pe_image(const std::vector<std::pair<std::string, Bytes>>& sections) {
  Bytes image(kPeHeaders, 0);
  image[0] = 'M';
  image[1] = 'Z';
  set_u32(image, 0x3c, kPeOffset);
  set_u32(image, kPeOffset, 0x00004550);
  set_u32(image, kPeOffset + 4, 0x8664 | static_cast<std::uint32_t>(sections.size()) << 16);
  set_u32(image, kPeOffset + 20, kPeOptionalSize);
  set_u32(image, kPeOptional, 0x20b);
  set_u32(image, kPeOptional + 60, kPeHeaders);
  set_u32(image, kPeOptional + 108, 16);
  std::size_t header = kPeOptional + kPeOptionalSize;
  Bytes strings(4, 0);
  for (const auto& [name, content] : sections) {
    std::string field = name;
    if (name.size() > 8) {
      field = "/" + std::to_string(strings.size());
      put_bytes(strings, as_bytes(name));
      strings.push_back(0);
    }
    std::copy(field.begin(), field.end(), image.begin() + static_cast<std::ptrdiff_t>(header));
    set_u32(image, header + 16, static_cast<std::uint32_t>(content.size()));
    set_u32(image, header + 20, static_cast<std::uint32_t>(image.size()));
    put_bytes(image, content);
    while (image.size() % 8 != 0) image.push_back(0);
    header += 40;
  }
  set_u32(image, kPeOffset + 12, static_cast<std::uint32_t>(image.size()));
  put_bytes(image, strings);
  while (image.size() % 8 != 0) image.push_back(0);
  return image;
}

// The image with these PKCS#7 signatures in its certificate table.
inline Bytes with_signatures(Bytes image, const std::vector<Bytes>& signatures) {
  const std::size_t offset = image.size();
  for (const Bytes& signature : signatures) {
    put_u32_le(image, static_cast<std::uint32_t>(signature.size() + 8));
    put_u16_le(image, 0x0200);
    put_u16_le(image, 2);
    put_bytes(image, signature);
    while (image.size() % 8 != 0) image.push_back(0);
  }
  set_u32(image, kPeCertificateEntry, static_cast<std::uint32_t>(offset));
  set_u32(image, kPeCertificateEntry + 4, static_cast<std::uint32_t>(image.size() - offset));
  return image;
}

// shim's section .vendor_cert.
inline Bytes vendor_section(ByteView authorized, ByteView revoked) {
  Bytes section;
  put_u32_le(section, static_cast<std::uint32_t>(authorized.size()));
  put_u32_le(section, static_cast<std::uint32_t>(revoked.size()));
  put_u32_le(section, 16);
  put_u32_le(section, static_cast<std::uint32_t>(16 + authorized.size()));
  put_bytes(section, authorized);
  put_bytes(section, revoked);
  return section;
}

// shim's section .sbatlevel.
inline Bytes level_section(const std::string& automatic, const std::string& latest) {
  Bytes section;
  put_u32_le(section, 0);
  put_u32_le(section, 8);
  put_u32_le(section, static_cast<std::uint32_t>(8 + automatic.size() + 1));
  put_bytes(section, as_bytes(automatic));
  section.push_back(0);
  put_bytes(section, as_bytes(latest));
  section.push_back(0);
  return section;
}

}  // namespace slipway::bootchain::testing
