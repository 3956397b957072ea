#include "enrolment/messages.h"

// Every message that may come to either side, from the same bytes. What reads must survive being written and read once
// more: the writer and the reader agree about every value.
namespace {

using namespace slipway;

template <typename T>
void round_trip(const Result<T>& message, Result<T> (*read)(std::string_view)) {
  if (!message) return;
  const std::string json = to_json(*message);
  const auto again = read(json);
  if (!again || to_json(*again) != json) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json = as_text({data, size});
  round_trip(enrolment::challenge_request_from_json(json), enrolment::challenge_request_from_json);
  round_trip(enrolment::challenge_reply_from_json(json), enrolment::challenge_reply_from_json);
  round_trip(enrolment::evidence_request_from_json(json), enrolment::evidence_request_from_json);
  round_trip(enrolment::secret_request_from_json(json), enrolment::secret_request_from_json);
  round_trip(enrolment::renewal_challenge_reply_from_json(json), enrolment::renewal_challenge_reply_from_json);
  round_trip(enrolment::renewal_request_from_json(json), enrolment::renewal_request_from_json);
  round_trip(enrolment::admission_from_json(json), enrolment::admission_from_json);
  round_trip(enrolment::bootstrap_from_json(json), enrolment::bootstrap_from_json);
  return 0;
}
