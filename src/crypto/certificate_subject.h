#pragma once

#include <string>

#include "base/bytes.h"

namespace slipway::crypto {

// The subject of a DER certificate as Certificate::subject() gives it, without decoding the rest: a key costs a hundred
// times as much as a name. For showing alone: kMalformed where the bytes do not begin as a certificate (RFC 5280, 4.1)
// up to the subject, whose size is at most 4 KiB; nothing behind it is looked at.
Result<std::string> subject_of_certificate(ByteView der);

}  // namespace slipway::crypto
