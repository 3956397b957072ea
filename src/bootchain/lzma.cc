#include "bootchain/lzma.h"

#include <fmt/format.h>
#include <lzma.h>

#include <algorithm>

#include "base/byte_reader.h"

namespace slipway::bootchain {
namespace {

// Dictionary and working memory; OVMF's dictionary has 25 MiB.
constexpr std::uint64_t kMaximumMemory = 128U << 20;
constexpr std::size_t kStep = 1U << 20;
constexpr std::size_t kSizeAt = 5;
constexpr std::uint64_t kSizeNotNamed = ~std::uint64_t{0};

struct Decoder {
  Decoder() = default;
  ~Decoder() { lzma_end(&stream); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  lzma_stream stream = LZMA_STREAM_INIT;
};

tl::unexpected<Error> broken(std::string_view why, std::size_t offset) {
  return fail(ErrorCode::kMalformed, fmt::format("at offset {} of the LZMA stream: {}", offset, why));
}

}  // namespace

Result<Bytes> unpack_lzma(ByteView packed, std::size_t limit) {
  const auto too_long = [limit] {
    return fail(ErrorCode::kResourceExhausted, fmt::format("an LZMA stream unpacks to more than {} bytes", limit));
  };
  ByteReader header(packed);
  SLIPWAY_TRY(header.take(kSizeAt, "properties of the LZMA stream"));
  SLIPWAY_ASSIGN(const std::uint64_t size, header.u64_le("unpacked size of the LZMA stream"));
  if (size != kSizeNotNamed && size > limit) return too_long();

  Decoder decoder;
  if (lzma_alone_decoder(&decoder.stream, kMaximumMemory) != LZMA_OK)
    return fail(ErrorCode::kInternal, "the LZMA decoder cannot be set up");
  decoder.stream.next_in = packed.data();
  decoder.stream.avail_in = packed.size();
  Bytes unpacked;
  while (true) {
    const std::size_t before = unpacked.size();
    // One byte more than is allowed shows that there is more.
    unpacked.resize(std::min(before + kStep, limit + 1));
    decoder.stream.next_out = unpacked.data() + before;
    decoder.stream.avail_out = unpacked.size() - before;
    const lzma_ret state = lzma_code(&decoder.stream, LZMA_FINISH);
    unpacked.resize(unpacked.size() - decoder.stream.avail_out);
    if (unpacked.size() > limit) return too_long();
    const auto at = static_cast<std::size_t>(decoder.stream.total_in);
    if (state == LZMA_STREAM_END) break;
    if (state == LZMA_MEMLIMIT_ERROR) return broken("its dictionary is too large", at);
    if (state == LZMA_BUF_ERROR) return broken("it ends before its data do", at);
    if (state != LZMA_OK) return broken("its data are broken", at);
  }
  const ByteView rest = packed.subspan(static_cast<std::size_t>(decoder.stream.total_in));
  if (std::any_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte != 0; }))
    return broken("other bytes follow its end", packed.size() - rest.size());
  return unpacked;
}

}  // namespace slipway::bootchain
