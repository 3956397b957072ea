#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace slipway::attestation {

// Reads JSON (RFC 8259) from its beginning to its end, value by value, and knows at which byte it stands: every error
// is kMalformed and begins with "at byte N of <what>: ". The caller says what it expects next; there is no tree, so
// that a file of megabytes costs no more than its strings. Does not own the text.
class JsonCursor {
 public:
  // `what` names the document in errors: "the policy".
  explicit JsonCursor(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  std::size_t offset() const { return at_; }

  // An object: enter_object(), then next_key() until it gives false, each time followed by one value.
  Status enter_object();
  // False behind the last member. Keys have at most 256 bytes.
  Result<bool> next_key(std::string& key);
  // The next member, which must have just this key: for documents that are always written in one order.
  Status expect_key(std::string_view key);
  Status leave_object();

  // An array: enter_array(), then next_element() until it gives false, each time followed by one value.
  Status enter_array();
  Result<bool> next_element();

  // A string of at most `maximum` bytes after its escapes are resolved; UTF-8 is passed through unchecked.
  Result<std::string> string(std::size_t maximum);
  Result<std::int64_t> integer(std::int64_t minimum, std::int64_t maximum);
  Result<bool> boolean();
  // True, and the value is read, if it is null; false, and nothing is read, if it is not.
  Result<bool> null();
  // Base64 (RFC 4648 section 4) of at most `maximum` bytes.
  Result<Bytes> base64(std::size_t maximum);
  // The text of one whole value, at most 32 levels deep. Numbers are whole: no document of ours has another.
  Result<std::string_view> raw_value();
  // Only white space is left.
  Status finish();

  // An error at an offset of the caller's choosing: "at byte N of <what>: <message>".
  tl::unexpected<Error> malformed(std::size_t offset, std::string_view message) const;

 private:
  void skip_space();
  bool take(char character);
  Status expect(char character, std::string_view meaning);
  Status skip_value(int depth);
  Result<char> escape();
  Status append_code_point(std::string& out);
  Result<std::uint32_t> four_digits();

  std::string_view text_, what_;
  std::size_t at_ = 0;
  bool first_ = false;  // no member or element was read yet in the innermost object or array
};

}  // namespace slipway::attestation
