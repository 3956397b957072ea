#include "host/libvirt/guest_memory.h"

#include <algorithm>

#include "bootchain/event_log.h"

namespace slipway::host {
namespace {

constexpr std::uint64_t kPage = 4096, kSearchDepth = 256U << 20;

// q35 splits its memory at 2 GiB once it is 2816 MiB or more (QEMU, pc_q35_init).
constexpr std::uint64_t kSplitFrom = 0xb0000000, kSplitAt = 0x80000000;

// TCG_PCR_EVENT of the header: PCR 0, EV_NO_ACTION, a SHA-1 digest of zeros, a size, then the signature.
bool is_log_header(ByteView page) {
  constexpr std::size_t kDigestAt = 8, kSizeAt = 28, kSignatureAt = 32;
  static const Bytes kPrologue{0, 0, 0, 0, 3, 0, 0, 0};
  const std::string_view signature("Spec ID Event03\0", 16);
  return std::equal(kPrologue.begin(), kPrologue.end(), page.begin()) &&
         std::all_of(page.begin() + kDigestAt, page.begin() + kSizeAt, [](std::uint8_t byte) { return byte == 0; }) &&
         as_text(page.subspan(kSignatureAt, signature.size())) == signature;
}

}  // namespace

std::uint64_t top_of_low_memory(int memory_mib) {
  const std::uint64_t size = static_cast<std::uint64_t>(memory_mib) << 20;
  return size >= kSplitFrom ? kSplitAt : size;
}

Result<std::optional<std::uint64_t>> find_event_log(const MemoryReader& read, int memory_mib) {
  const std::uint64_t top = top_of_low_memory(memory_mib);
  const std::uint64_t bottom = top > kSearchDepth ? top - kSearchDepth : 0;
  for (std::uint64_t end = top; end > bottom;) {
    const std::uint64_t start = end - std::min<std::uint64_t>(kMemoryPiece, end - bottom);
    SLIPWAY_ASSIGN(const Bytes piece, read(start, static_cast<std::size_t>(end - start)));
    for (std::size_t at = 0; at + kPage <= piece.size(); at += kPage) {
      if (is_log_header(ByteView(piece).subspan(at, kPage))) return std::optional(start + at);
    }
    end = start;
  }
  return std::optional<std::uint64_t>{};
}

Result<std::optional<std::vector<Bytes>>> closed_pcr0_events(ByteView memory) {
  SLIPWAY_ASSIGN(const auto log, bootchain::parse_event_log_from_memory(memory));
  std::vector<Bytes> digests;
  for (const bootchain::UnverifiedEvent& event : log.events) {
    if (event.pcr != 0 || event.type == bootchain::kEvNoAction) continue;
    const bootchain::DigestValue* digest = bootchain::find_digest(event, bootchain::kSha256Bank);
    if (digest == nullptr) return fail(ErrorCode::kMalformed, "the firmware's event log has no sha256 bank");
    digests.push_back(digest->bytes());
    if (event.type == bootchain::kEvSeparator) return std::optional(std::move(digests));
  }
  return std::optional<std::vector<Bytes>>{};
}

}  // namespace slipway::host
