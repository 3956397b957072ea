#include "bootchain/ima_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "bootchain/replay.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

constexpr std::uint32_t kImaPcr = 10;
constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kSha256Size = 32;
constexpr std::uint32_t kMaximumNameLength = 32;
constexpr std::uint32_t kMaximumTemplateSize = 64U << 10;

Result<UnverifiedImaEntry> read_entry(ByteReader& reader) {
  UnverifiedImaEntry entry;
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(entry.pcr, reader.u32_le("IMA entry's PCR"));
  if (entry.pcr != kImaPcr)
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: an IMA entry of PCR {}, not 10", offset, entry.pcr));
  SLIPWAY_ASSIGN(const ByteView sha1, reader.take(kSha1Size, "IMA entry's digest"));
  SLIPWAY_ASSIGN(const std::uint32_t name_length, reader.u32_le("length of the IMA template's name"));
  if (name_length == 0 || name_length > kMaximumNameLength)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: an IMA template's name of {} bytes; 1 to 32", offset, name_length));
  SLIPWAY_ASSIGN(const ByteView name, reader.take(name_length, "IMA template's name"));
  SLIPWAY_ASSIGN(const std::uint32_t data_size, reader.u32_le("size of the IMA template's data"));
  if (data_size > kMaximumTemplateSize)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: IMA template data of {} bytes; at most 64 KiB", offset, data_size));
  SLIPWAY_ASSIGN(const ByteView data, reader.take(data_size, "IMA template's data"));

  entry.template_sha1 = to_bytes(sha1);
  entry.template_name = std::string(as_text(name));
  entry.template_data = to_bytes(data);
  entry.violation = std::all_of(sha1.begin(), sha1.end(), [](std::uint8_t byte) { return byte == 0; });
  if (!entry.violation && crypto::digest(crypto::HashAlgorithm::kSha1, data) != entry.template_sha1)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: an IMA entry's digest is not that of its data", offset));
  entry.sha256_extended = entry.violation ? Bytes(kSha256Size, 0xff) : crypto::sha256(data);
  return entry;
}

}  // namespace

Result<std::vector<UnverifiedImaEntry>> parse_ima_log(ByteView bytes) {
  if (bytes.size() > kMaximumImaLogSize)
    return fail(ErrorCode::kMalformed, fmt::format("the IMA log has {} bytes; at most 4 MiB are read", bytes.size()));
  ByteReader reader(bytes);
  std::vector<UnverifiedImaEntry> entries;
  while (!reader.empty()) {
    if (entries.size() == kMaximumImaEntries)
      return fail(ErrorCode::kMalformed, "the IMA log has more than 65536 entries");
    SLIPWAY_ASSIGN(UnverifiedImaEntry entry, read_entry(reader));
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<Bytes> ima_pcr_values(const std::vector<UnverifiedImaEntry>& entries) {
  std::vector<Bytes> values{initial_pcr(static_cast<int>(kImaPcr), kSha256Size)};
  values.reserve(entries.size() + 1);
  for (const UnverifiedImaEntry& entry : entries)
    values.push_back(extend(crypto::HashAlgorithm::kSha256, values.back(), entry.sha256_extended));
  return values;
}

Result<ImaMeasurement> read_ima_measurement(const UnverifiedImaEntry& entry) {
  if (entry.template_name != "ima-ng" && entry.template_name != "ima-sig")
    return fail(ErrorCode::kMalformed, fmt::format("the IMA template \"{}\" is not known", entry.template_name));
  ByteReader reader(entry.template_data);
  SLIPWAY_ASSIGN(const std::uint32_t digest_size, reader.u32_le("size of the file's digest"));
  SLIPWAY_ASSIGN(const ByteView digest, reader.take(digest_size, "file's digest"));
  SLIPWAY_ASSIGN(const std::uint32_t path_size, reader.u32_le("size of the path"));
  SLIPWAY_ASSIGN(const ByteView path, reader.take(path_size, "path"));
  // "sha256:" and a NUL, then the digest itself.
  const std::string_view text = as_text(digest);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 >= text.size() || text[colon + 1] != '\0')
    return fail(ErrorCode::kMalformed, "an IMA entry's file digest does not name its algorithm");
  ImaMeasurement measurement;
  measurement.algorithm = std::string(text.substr(0, colon));
  measurement.digest = to_bytes(digest.subspan(colon + 2));
  const std::string_view path_text = as_text(path);
  measurement.path = std::string(path_text.substr(0, path_text.find('\0')));
  return measurement;
}

}  // namespace slipway::bootchain
