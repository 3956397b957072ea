#include "apps/slipway/inspect_verbs.h"
#include "apps/slipway/quote_document.h"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaximumQuote = 1024;
constexpr std::size_t kMaximumSignature = 1024;
constexpr std::size_t kMaximumKey = 64U << 10;

struct QuoteOptions {
  std::string signature, key, qualifying_data;
};

Result<std::string> inspect(const Inspection& inspection, const QuoteOptions& options) {
  SLIPWAY_ASSIGN(const Bytes attest, read_input(inspection.file, kMaximumQuote));
  QuoteExpectation expectation;
  if (!options.signature.empty()) {
    SLIPWAY_ASSIGN(expectation.tpmt_signature, read_input(options.signature, kMaximumSignature));
  }
  if (!options.key.empty()) {
    SLIPWAY_ASSIGN(const Bytes key, read_input(options.key, kMaximumKey));
    const Status read = read_quote_key(key, expectation);
    if (!read) return fail(malformed_input(options.key, read.error()));
  }
  if (!options.qualifying_data.empty()) {
    auto data = from_hex(options.qualifying_data);
    if (!data) return fail(ErrorCode::kInvalidArgument, "--qualifying-data: " + data.error().message);
    expectation.qualifying_data = *std::move(data);
  }
  const auto quote = inspect_quote(attest, expectation);
  if (!quote)
    return fail(
        malformed_input(quote.error().target == "signature" ? options.signature : inspection.file, quote.error()));
  return inspection.format == "json" ? to_pretty_json(quote_document(*quote)) : quote_table(*quote);
}

}  // namespace

void add_inspect_quote(Shell& shell, CLI::App& inspect_noun) {
  auto options = std::make_shared<QuoteOptions>();
  CLI::App* verb = add_inspection(
      shell, inspect_noun, "quote", "A TPM quote (TPMS_ATTEST): what it says, and whether its signature holds",
      "  slipway inspect quote q.msg --signature q.sig --key ak.pub --qualifying-data abcdef\n",
      [options](const Inspection& inspection) { return inspect(inspection, *options); });
  verb->add_option("--signature", options->signature, "The TPMT_SIGNATURE over the quote");
  verb->add_option("--key", options->key, "The attestation key: PEM, TPM2B_PUBLIC or TPMT_PUBLIC");
  verb->add_option("--qualifying-data", options->qualifying_data, "The challenge that the quote must answer, in hex");
}

}  // namespace slipway::cli
