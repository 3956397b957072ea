#include "bootchain/shim_state.h"

#include <array>

#include "base/byte_reader.h"
#include "bootchain/efi_guid.h"
#include "bootchain/efi_variable.h"
#include "bootchain/pe_image.h"
#include "bootchain/shim_image.h"
#include "bootchain/signature_list.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

constexpr std::array<std::uint8_t, 1> kMokListTrusted{1};
// What every shim with SBAT resets the level to where Secure Boot is off; a text of its own in the image.
constexpr std::string_view kOriginalSbatLevel = "sbat,1,2021030218\n";

}  // namespace

Result<ShimState> read_shim_state(ByteView shim) {
  SLIPWAY_ASSIGN(const UnverifiedPeImage image, parse_pe_image(shim));
  SLIPWAY_ASSIGN(const UnverifiedShimImage parts, read_shim_image(image));
  if (!parts.authorized_is_certificate)
    return fail(ErrorCode::kMalformed, "shim's .vendor_cert is not one X.509 certificate");
  if (!parts.automatic_level) return fail(ErrorCode::kMalformed, "the shim image has no section .sbatlevel");
  const ByteView certificate = parts.vendor_authorized;
  SLIPWAY_ASSIGN(const EfiGuid shim_guid, guid_from_text(kShimVariables));

  if (as_text(shim).find(kOriginalSbatLevel) == std::string_view::npos)
    return fail(ErrorCode::kMalformed, "the shim image does not hold the SBAT level that it sets without Secure Boot");

  Bytes vouching;
  put_bytes(vouching, shim_guid.bytes);
  put_bytes(vouching, certificate);
  ShimState state;
  state.mok_list = crypto::sha256(make_certificate_list(shim_guid, certificate));
  state.mok_list_x = crypto::sha256(parts.vendor_revoked);
  state.mok_list_trusted = crypto::sha256(kMokListTrusted);
  state.sbat_level =
      crypto::sha256(encode_variable_data({shim_guid, "SbatLevel", to_bytes(parts.automatic_level_text)}));
  state.sbat_level_unenforced =
      crypto::sha256(encode_variable_data({shim_guid, "SbatLevel", to_bytes(kOriginalSbatLevel)}));
  state.vendor_authority = crypto::sha256(encode_variable_data({shim_guid, "MokListRT", std::move(vouching)}));
  return state;
}

}  // namespace slipway::bootchain
