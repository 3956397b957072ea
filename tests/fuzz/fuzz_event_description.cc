#include <algorithm>

#include "base/byte_reader.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"
#include "bootchain/event_description.h"

// One event of any type: four bytes of type, one of PCR, the data. Its description is one short line that is safe on a
// terminal, no field stands there twice, and nothing takes the digest of other data for that of these.
namespace {

using namespace slipway;

void check(const bootchain::EventDescription& description) {
  const bool control = std::any_of(description.text.begin(), description.text.end(), [](char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7f;
  });
  if (control || description.text.empty() || description.text.size() > 300) __builtin_trap();
  for (std::size_t i = 0; i < description.fields.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (description.fields[i].name == description.fields[k].name) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader reader({data, size});
  bootchain::UnverifiedEvent event;
  const auto type = reader.u32_le("type");
  const auto pcr = type ? reader.u8("PCR") : Result<std::uint8_t>(fail(ErrorCode::kMalformed, ""));
  if (!pcr) return 0;
  event.type = *type;
  event.pcr = *pcr;
  event.data = to_bytes(reader.rest());
  check(bootchain::describe_event_data(event));
  event.digests = {{bootchain::kSha256Bank, crypto::sha256(event.data)}};
  const auto matches = bootchain::digest_matches_data(event);
  if (event.type != bootchain::kEvNoAction && matches != true) __builtin_trap();
  event.digests = {{bootchain::kSha256Bank, Bytes(32, 0)}};
  if (bootchain::digest_matches_data(event) == true) __builtin_trap();
  if (const auto variable = bootchain::decode_variable_data(event.data))
    static_cast<void>(bootchain::describe_variable_value(bootchain::kEfiGlobalVariables, variable->name, event.data));
  return 0;
}
