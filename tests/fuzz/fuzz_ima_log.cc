#include "bootchain/ima_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  // Behind a valid SHA-1 nothing would be reached by chance, so the entry's fields are read from the input as well.
  bootchain::UnverifiedImaEntry entry;
  entry.template_data = to_bytes(input);
  for (const char* name : {"ima", "ima-ng", "ima-sig"}) {
    entry.template_name = name;
    static_cast<void>(bootchain::read_ima_measurement(entry));
  }
  // An entry of the oldest template with a right digest, of the input's file digest and path.
  if (size >= 20 && size < 20 + 256) {
    entry.pcr = 10;
    entry.template_name = "ima";
    entry.template_data.resize(20 + 256, 0);
    entry.template_sha1 = crypto::digest(crypto::HashAlgorithm::kSha1, entry.template_data);
    const auto read = bootchain::parse_ima_log(bootchain::encode_ima_log({entry}), bootchain::ImaTemplates::kAll);
    const bool whole = as_text(input.subspan(20)).find('\0') == std::string_view::npos;
    if (whole && (!read || read->at(0).template_data != entry.template_data)) __builtin_trap();
  }
  const auto entries = bootchain::parse_ima_log(input);
  if (const auto all = bootchain::parse_ima_log(input, bootchain::ImaTemplates::kAll)) {
    const Bytes again = bootchain::encode_ima_log(*all);
    if (!std::equal(again.begin(), again.end(), input.begin(), input.end())) __builtin_trap();
  }
  if (!entries) return 0;
  if (bootchain::ima_pcr_values(*entries).size() != entries->size() + 1) __builtin_trap();
  for (const auto& parsed : *entries) static_cast<void>(bootchain::read_ima_measurement(parsed));
  return 0;
}
