#include "bootchain/ima_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "base/text.h"
#include "bootchain/replay.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

constexpr std::uint32_t kImaPcr = 10;
constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kSha256Size = 32;
constexpr std::uint32_t kMaximumNameLength = 32;
constexpr std::uint32_t kMaximumTemplateSize = 64U << 10;
constexpr std::string_view kOldestTemplate = "ima";
constexpr std::size_t kOldestPathSize = 256;

// The data of the template "ima": no size in front, and a path that is digested with zeros behind it
// (IMA_EVENT_NAME_LEN_MAX and its NUL).
Result<Bytes> read_oldest_template(ByteReader& reader) {
  SLIPWAY_ASSIGN(const ByteView digest, reader.take(kSha1Size, "file's SHA-1 digest"));
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(const std::uint32_t size, reader.u32_le("size of the path"));
  if (size >= kOldestPathSize)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected a path of at most 255 bytes, but it has {}", offset, size));
  SLIPWAY_ASSIGN(const ByteView path, reader.take(size, "path"));
  if (std::find(path.begin(), path.end(), 0) != path.end())
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected a path without a NUL", offset + 4));
  Bytes data = to_bytes(digest);
  put_bytes(data, path);
  data.resize(kSha1Size + kOldestPathSize, 0);
  return data;
}

Result<Bytes> read_sized_template(ByteReader& reader) {
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(const std::uint32_t size, reader.u32_le("size of the IMA template's data"));
  if (size > kMaximumTemplateSize)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected IMA template data of at most 64 KiB, but they have {} bytes",
                            offset, size));
  SLIPWAY_ASSIGN(const ByteView data, reader.take(size, "IMA template's data"));
  return to_bytes(data);
}

Result<UnverifiedImaEntry> read_entry(ByteReader& reader, ImaTemplates templates) {
  UnverifiedImaEntry entry;
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(entry.pcr, reader.u32_le("IMA entry's PCR"));
  if (entry.pcr != kImaPcr)
    return fail(
        ErrorCode::kMalformed,
        fmt::format("at offset {}: expected PCR 10, with which an IMA entry begins, but it is {}", offset, entry.pcr));
  SLIPWAY_ASSIGN(const ByteView sha1, reader.take(kSha1Size, "IMA entry's digest"));
  SLIPWAY_ASSIGN(const std::uint32_t name_length, reader.u32_le("length of the IMA template's name"));
  if (name_length == 0 || name_length > kMaximumNameLength)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected an IMA template's name of 1 to 32 bytes, but it has {}",
                            offset + 24, name_length));
  SLIPWAY_ASSIGN(const ByteView name, reader.take(name_length, "IMA template's name"));
  entry.template_name = std::string(as_text(name));
  const bool oldest = templates == ImaTemplates::kAll && entry.template_name == kOldestTemplate;
  SLIPWAY_ASSIGN(entry.template_data, oldest ? read_oldest_template(reader) : read_sized_template(reader));
  entry.template_sha1 = to_bytes(sha1);
  entry.violation = std::all_of(sha1.begin(), sha1.end(), [](std::uint8_t byte) { return byte == 0; });
  if (!entry.violation && crypto::digest(crypto::HashAlgorithm::kSha1, entry.template_data) != entry.template_sha1)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the SHA-1 digest of the IMA entry's data, but it is of others",
                            offset + 4));
  entry.sha256_extended = entry.violation ? Bytes(kSha256Size, 0xff) : crypto::sha256(entry.template_data);
  return entry;
}

}  // namespace

Result<std::vector<UnverifiedImaEntry>> parse_ima_log(ByteView bytes, ImaTemplates templates) {
  if (bytes.size() > kMaximumImaLogSize)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the end of an IMA log of at most 4 MiB, but it has {} bytes",
                            kMaximumImaLogSize, bytes.size()));
  ByteReader reader(bytes);
  std::vector<UnverifiedImaEntry> entries;
  while (!reader.empty()) {
    if (entries.size() == kMaximumImaEntries)
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: expected the end of the IMA log, which has more than 65536 entries",
                              reader.offset()));
    SLIPWAY_ASSIGN(UnverifiedImaEntry entry, read_entry(reader, templates));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Bytes encode_ima_log(const std::vector<UnverifiedImaEntry>& entries) {
  Bytes out;
  for (const UnverifiedImaEntry& entry : entries) {
    put_u32_le(out, entry.pcr);
    put_bytes(out, entry.template_sha1);
    put_u32_le(out, static_cast<std::uint32_t>(entry.template_name.size()));
    put_bytes(out, as_bytes(entry.template_name));
    if (entry.template_name == kOldestTemplate) {
      const ByteView path = ByteView(entry.template_data).subspan(kSha1Size);
      const auto size = static_cast<std::size_t>(std::find(path.begin(), path.end(), 0) - path.begin());
      put_bytes(out, ByteView(entry.template_data).first(kSha1Size));
      put_u32_le(out, static_cast<std::uint32_t>(size));
      put_bytes(out, path.first(size));
    } else {
      put_u32_le(out, static_cast<std::uint32_t>(entry.template_data.size()));
      put_bytes(out, entry.template_data);
    }
  }
  return out;
}

Bytes ima_pcr_value(const std::vector<UnverifiedImaEntry>& entries, crypto::HashAlgorithm bank) {
  const std::size_t size = crypto::digest_size(bank);
  Bytes value = initial_pcr(static_cast<int>(kImaPcr), size);
  for (const UnverifiedImaEntry& entry : entries)
    value = extend(bank, value, entry.violation ? Bytes(size, 0xff) : crypto::digest(bank, entry.template_data));
  return value;
}

std::vector<Bytes> ima_pcr_values(const std::vector<UnverifiedImaEntry>& entries) {
  std::vector<Bytes> values{initial_pcr(static_cast<int>(kImaPcr), kSha256Size)};
  values.reserve(entries.size() + 1);
  for (const UnverifiedImaEntry& entry : entries)
    values.push_back(extend(crypto::HashAlgorithm::kSha256, values.back(), entry.sha256_extended));
  return values;
}

Result<ImaMeasurement> read_ima_measurement(const UnverifiedImaEntry& entry) {
  if (entry.template_name == kOldestTemplate && entry.template_data.size() == kSha1Size + kOldestPathSize) {
    const ByteView data = entry.template_data;
    const std::string_view padded = as_text(data.subspan(kSha1Size));
    return ImaMeasurement{
        "sha1", to_bytes(data.first(kSha1Size)), std::string(padded.substr(0, padded.find('\0'))), {}};
  }
  if (entry.template_name != "ima-ng" && entry.template_name != "ima-sig")
    return fail(ErrorCode::kMalformed,
                fmt::format("the IMA template \"{}\" is not known", printable(entry.template_name)));
  ByteReader reader(entry.template_data);
  SLIPWAY_ASSIGN(const std::uint32_t digest_size, reader.u32_le("size of the file's digest"));
  SLIPWAY_ASSIGN(const ByteView digest, reader.take(digest_size, "file's digest"));
  SLIPWAY_ASSIGN(const std::uint32_t path_size, reader.u32_le("size of the path"));
  SLIPWAY_ASSIGN(const ByteView path, reader.take(path_size, "path"));
  ImaMeasurement measurement;
  if (entry.template_name == "ima-sig") {
    SLIPWAY_ASSIGN(const std::uint32_t signature_size, reader.u32_le("size of the file's signature"));
    SLIPWAY_ASSIGN(const ByteView signature, reader.take(signature_size, "file's signature"));
    measurement.signature = to_bytes(signature);
  }
  SLIPWAY_TRY(reader.expect_end("the IMA template's data"));
  // "sha256:" and a NUL, then the digest itself.
  const std::string_view text = as_text(digest);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 >= text.size() || text[colon + 1] != '\0')
    return fail(ErrorCode::kMalformed, "an IMA entry's file digest does not name its algorithm");
  measurement.algorithm = std::string(text.substr(0, colon));
  measurement.digest = to_bytes(digest.subspan(colon + 2));
  const std::string_view path_text = as_text(path);
  measurement.path = std::string(path_text.substr(0, path_text.find('\0')));
  return measurement;
}

}  // namespace slipway::bootchain
