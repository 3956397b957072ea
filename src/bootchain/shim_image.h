#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "bootchain/pe_image.h"
#include "bootchain/sbat.h"
#include "bootchain/signature_list.h"

namespace slipway::bootchain {

// What a shim image carries for judging others (shim's cert.S and sbatlevel.S). Nothing is verified.
struct UnverifiedShimImage {
  ByteView vendor_authorized;              // as it stands in .vendor_cert: one DER certificate, or signature lists
  ByteView vendor_revoked;                 // signature lists
  bool authorized_is_certificate = false;  // which of the two forms
  std::vector<EfiSignature> authorized;    // either form
  std::vector<EfiSignature> revoked;
  // The levels that this shim sets by itself, and if it is asked for the latest; none before shim 15.7.
  ByteView automatic_level_text, latest_level_text;
  std::optional<SbatLevel> automatic_level, latest_level;
};

// Reads the sections .vendor_cert and .sbatlevel. kMalformed, with the offset in the file, if there is no .vendor_cert
// (so the image is no shim), or if what they hold does not fit them. `image` must outlive the result.
Result<UnverifiedShimImage> read_shim_image(const UnverifiedPeImage& image);

}  // namespace slipway::bootchain
