#pragma once

#include <optional>
#include <vector>

#include "base/time.h"
#include "crypto/certificate.h"

namespace slipway::crypto {

// The certificates from `leaf` to one of `anchors`, both included, each signed by the next (RFC 5280 section 6.1,
// without revocation): issuers are authorities (basicConstraints, path length, keyUsage), and no critical extension is
// unknown. `untrusted` may lie between. An anchor need not be self-signed, and the leaf may itself be one. Dates are
// held against `at` if there is one; without it they say nothing, as UEFI demands of what firmware loads (UEFI
// 2.9, 32.5.3.3: a machine without a trusted clock cannot judge them). No purpose is asked for: the caller judges the
// leaf. kPermissionDenied, in OpenSSL's words, if there is no such path.
Result<std::vector<Certificate>> find_path(const Certificate& leaf, const std::vector<Certificate>& untrusted,
                                           const std::vector<Certificate>& anchors, std::optional<Time> at);

}  // namespace slipway::crypto
