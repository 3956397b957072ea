#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "image/manifest.h"
#include "image/object_reader.h"

namespace slipway::image {

// An array of arrays of certificates in base64.
boost::json::array to_json_array(const CertificateChains& chains);
// Reads what to_json_array writes, of at most kMaximumChains chains with at most kMaximumChainLength certificates each.
Result<CertificateChains> take_chains(ObjectReader& reader, std::string_view key);

}  // namespace slipway::image
