#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tpm/public_area.h"
#include "tpm/quote.h"

// What "slipway inspect quote" prints, as documented in docs/formats/inspect.md.
namespace slipway::cli {

// What a quote is held against; each may be missing.
struct QuoteExpectation {
  std::optional<Bytes> tpmt_signature;
  std::optional<crypto::PublicKey> key;
  std::optional<Bytes> public_area;  // TPMT_PUBLIC of the key: a PEM file does not say what the key may do
  std::optional<Bytes> qualifying_data;
};

struct QuoteCheck {
  std::string name;  // "signatureAlgorithm", "signature", "attestationKey", "qualifyingData"
  bool holds = false;
  std::string reason;  // why not
};

struct InspectedQuote {
  tpm::QuoteBody body;
  std::optional<tpm::QuoteSignature> signature;
  std::vector<QuoteCheck> checks;
};

// kMalformed if the quote is none; the error's target is "signature" where the signature is none.
Result<InspectedQuote> inspect_quote(ByteView attest, const QuoteExpectation& expectation);

// A key from PEM, TPM2B_PUBLIC or TPMT_PUBLIC, into `expectation`; kMalformed if it is none of them.
Status read_quote_key(ByteView file, QuoteExpectation& expectation);

boost::json::object quote_document(const InspectedQuote& quote);
std::string quote_table(const InspectedQuote& quote);

}  // namespace slipway::cli
