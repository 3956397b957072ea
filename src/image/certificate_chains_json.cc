#include "image/certificate_chains_json.h"

namespace slipway::image {

namespace json = boost::json;

json::array to_json_array(const CertificateChains& chains) {
  json::array array;
  for (const std::vector<Bytes>& chain : chains) {
    json::array certificates;
    for (const Bytes& certificate : chain) certificates.push_back(json::string(to_base64(certificate)));
    array.push_back(std::move(certificates));
  }
  return array;
}

Result<CertificateChains> take_chains(ObjectReader& reader, std::string_view key) {
  const auto wrong = [&] {
    return reader.wrong(key, fmt::format("an array of at most {} arrays of at most {} certificates in base64",
                                         kMaximumChains, kMaximumChainLength));
  };
  SLIPWAY_ASSIGN(const json::array* values, reader.array(key));
  if (values->size() > kMaximumChains) return wrong();
  CertificateChains chains;
  for (const json::value& value : *values) {
    if (!value.is_array() || value.get_array().size() > kMaximumChainLength) return wrong();
    std::vector<Bytes> chain;
    for (const json::value& certificate : value.get_array()) {
      if (!certificate.is_string()) return wrong();
      auto der = from_base64(certificate.get_string());
      if (!der) return wrong();
      chain.push_back(*std::move(der));
    }
    chains.push_back(std::move(chain));
  }
  return chains;
}

}  // namespace slipway::image
