#include "bootchain/shim_state.h"

#include <array>

#include "base/byte_reader.h"
#include "bootchain/efi_guid.h"
#include "bootchain/efi_variable.h"
#include "bootchain/pe_image.h"
#include "bootchain/signature_list.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

constexpr std::array<std::uint8_t, 1> kMokListTrusted{1};
constexpr std::uint8_t kDerSequence = 0x30;
// What every shim with SBAT resets the level to where Secure Boot is off; a text of its own in the image.
constexpr std::string_view kOriginalSbatLevel = "sbat,1,2021030218\n";

Result<ByteView> range(ByteView section, std::size_t offset, std::size_t size, std::string_view what) {
  if (offset > section.size())
    return fail(ErrorCode::kMalformed, std::string("shim's section ends before its ").append(what));
  ByteReader reader(section.subspan(offset), offset);
  return reader.take(size, what);
}

Result<ByteView> section(ByteView shim, std::string_view name) {
  SLIPWAY_ASSIGN(const ByteView bytes, pe_section(shim, name));
  if (bytes.empty()) return fail(ErrorCode::kMalformed, std::string("the shim image has no section ").append(name));
  return bytes;
}

// The text of the level that shim sets where the variable store has none: the first of the section's two.
Result<ByteView> automatic_sbat_level(ByteView shim) {
  SLIPWAY_ASSIGN(const ByteView levels, section(shim, ".sbatlevel"));
  ByteReader reader(levels);
  SLIPWAY_TRY(reader.u32_le("version of .sbatlevel"));
  // Offsets count from behind the version field.
  SLIPWAY_ASSIGN(const std::size_t automatic, reader.u32_le("offset of the automatic SBAT level"));
  if (automatic > levels.size() - 4) return fail(ErrorCode::kMalformed, "shim's SBAT level lies outside its section");
  const ByteView rest = levels.subspan(4 + automatic);
  const std::size_t end = as_text(rest).find('\0');
  if (end == std::string_view::npos) return fail(ErrorCode::kMalformed, "shim's SBAT level does not end");
  return rest.subspan(0, end);
}

}  // namespace

Result<ShimState> read_shim_state(ByteView shim) {
  SLIPWAY_ASSIGN(const ByteView table, section(shim, ".vendor_cert"));
  ByteReader reader(table);
  SLIPWAY_ASSIGN(const std::size_t authorized_size, reader.u32_le("size of the vendor's certificate"));
  SLIPWAY_ASSIGN(const std::size_t deauthorized_size, reader.u32_le("size of the vendor's revocations"));
  SLIPWAY_ASSIGN(const std::size_t authorized_offset, reader.u32_le("offset of the vendor's certificate"));
  SLIPWAY_ASSIGN(const std::size_t deauthorized_offset, reader.u32_le("offset of the vendor's revocations"));
  SLIPWAY_ASSIGN(const ByteView certificate, range(table, authorized_offset, authorized_size, "vendor's certificate"));
  SLIPWAY_ASSIGN(const ByteView revocations, range(table, deauthorized_offset, deauthorized_size, "vendor's dbx"));
  if (certificate.empty() || certificate[0] != kDerSequence)
    return fail(ErrorCode::kMalformed, "shim's .vendor_cert is not one X.509 certificate");
  SLIPWAY_ASSIGN(const EfiGuid shim_guid, guid_from_text(kShimVariables));
  SLIPWAY_ASSIGN(const ByteView sbat_level, automatic_sbat_level(shim));

  if (as_text(shim).find(kOriginalSbatLevel) == std::string_view::npos)
    return fail(ErrorCode::kMalformed, "the shim image does not hold the SBAT level that it sets without Secure Boot");

  Bytes vouching;
  put_bytes(vouching, shim_guid.bytes);
  put_bytes(vouching, certificate);
  ShimState state;
  state.mok_list = crypto::sha256(make_certificate_list(shim_guid, certificate));
  state.mok_list_x = crypto::sha256(revocations);
  state.mok_list_trusted = crypto::sha256(kMokListTrusted);
  state.sbat_level = crypto::sha256(encode_variable_data({shim_guid, "SbatLevel", to_bytes(sbat_level)}));
  state.sbat_level_unenforced =
      crypto::sha256(encode_variable_data({shim_guid, "SbatLevel", to_bytes(kOriginalSbatLevel)}));
  state.vendor_authority = crypto::sha256(encode_variable_data({shim_guid, "MokListRT", std::move(vouching)}));
  return state;
}

}  // namespace slipway::bootchain
