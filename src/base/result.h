#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace slipway {

// What went wrong, in the few classes that a caller may act on. api/arm_error.h maps each to an HTTP status.
enum class ErrorCode {
  kInvalidArgument,     // the caller's input breaks a rule
  kMalformed,           // bytes from outside do not have the form that their specification gives
  kNotFound,            // the named thing does not exist
  kConflict,            // the thing exists already, or is busy, or changed meanwhile
  kPreconditionFailed,  // the input is fine, but the state of the world is not (yet)
  kUnauthenticated,     // who asks is not known
  kPermissionDenied,    // who asks is known, and may not
  kResourceExhausted,   // a limit is reached: size, count, rate, disk
  kUnavailable,         // something outside does not answer now; the same call may succeed later
  kInternal,            // a defect, or a system call that should not fail
};

// The code's stable name, as it stands in logs and JSON: "InvalidArgument".
std::string_view to_string(ErrorCode code);

// An expected failure, as a value.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  // Says what happened, to what, why, and what to do. For people; never matched by code.
  std::string message;
  // A finer, stable name where a protocol has one: an ARM error code ("TrustedLaunchIncompatibleWithConfig"), a refusal
  // of enrolment ("ForeignNonce"). Empty: the code's own name serves.
  std::string reason;
  // The property or thing that the error is about, in the caller's spelling: "agentPoolProfile.name". May be empty.
  std::string target;
};

template <typename T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

// Makes the failed side of any Result: return fail(ErrorCode::kNotFound, "...").
inline tl::unexpected<Error> fail(ErrorCode code, std::string message, std::string reason = {},
                                  std::string target = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(reason), std::move(target)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace slipway

#define SLIPWAY_CONCAT_(a, b) a##b
#define SLIPWAY_CONCAT(a, b) SLIPWAY_CONCAT_(a, b)

// SLIPWAY_TRY(expression): returns the error of a failed Result from the enclosing function, and goes on otherwise.
#define SLIPWAY_TRY(expression)                                  \
  do {                                                           \
    if (auto slipway_status = (expression); !slipway_status)     \
      return ::slipway::fail(std::move(slipway_status).error()); \
  } while (false)

// SLIPWAY_ASSIGN(auto value, expression): the same, and binds the value.
#define SLIPWAY_ASSIGN(declaration, expression) \
  SLIPWAY_ASSIGN_(SLIPWAY_CONCAT(slipway_result_, __LINE__), declaration, expression)
#define SLIPWAY_ASSIGN_(result, declaration, expression)          \
  auto result = (expression);                                     \
  if (!result) return ::slipway::fail(std::move(result).error()); \
  declaration = std::move(*result)
