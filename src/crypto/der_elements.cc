#include "crypto/der_elements.h"

namespace slipway::crypto {
namespace {

constexpr std::uint8_t kConstructed = 0x20, kOctetString = 0x04, kLongTag = 0x1f, kLongLength = 0x80;
constexpr int kMaximumDepth = 64;

struct Header {
  std::uint8_t tag = 0;
  std::size_t header_size = 0, content_size = 0;
  bool definite = true;
};

// Of the element that the bytes begin with; none where they are not long enough for it.
std::optional<Header> read_header(ByteView bytes) {
  Header header;
  std::size_t at = 0;
  if (bytes.empty()) return std::nullopt;
  header.tag = bytes[at++];
  if ((header.tag & kLongTag) == kLongTag) do {
      if (at == bytes.size()) return std::nullopt;
    } while ((bytes[at++] & kLongLength) != 0);
  if (at == bytes.size()) return std::nullopt;
  const std::uint8_t first = bytes[at++];
  header.content_size = first;
  if ((first & kLongLength) != 0) {
    const std::size_t count = first & 0x7fU;
    if (count > sizeof(std::size_t) || count > bytes.size() - at) return std::nullopt;
    header.definite = count != 0;
    header.content_size = 0;
    for (std::size_t i = 0; i < count; ++i) header.content_size = header.content_size << 8 | bytes[at++];
  }
  header.header_size = at;
  if (!header.definite) header.content_size = bytes.size() - at;
  if (header.content_size > bytes.size() - at) return std::nullopt;
  return header;
}

// Counts down; false when `left` is used up, or where elements lie deeper in each other than OpenSSL would go.
bool count_elements(ByteView bytes, int depth, int& left) {
  if (depth > kMaximumDepth) return false;
  while (const auto header = read_header(bytes)) {
    if (left-- == 0) return false;
    if ((header->tag & kConstructed) != 0 || header->tag == kOctetString)
      if (!count_elements(bytes.subspan(header->header_size, header->content_size), depth + 1, left)) return false;
    bytes = bytes.subspan(header->header_size + header->content_size);
  }
  return true;
}

}  // namespace

std::optional<ByteView> take_element(ByteView& bytes) {
  const auto header = read_header(bytes);
  if (!header || !header->definite) return std::nullopt;
  const ByteView content = bytes.subspan(header->header_size, header->content_size);
  bytes = bytes.subspan(header->header_size + header->content_size);
  return content;
}

bool has_few_elements(ByteView der) {
  int left = kMaximumDerElements;
  return count_elements(der, 0, left);
}

}  // namespace slipway::crypto
