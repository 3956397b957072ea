#pragma once

#include "base/bytes.h"

namespace slipway::crypto {

// A PKCS#10 request whose P-256 key is the point at infinity (SEC 1, 2.3.3: the byte 00), which OpenSSL reads as a key
// and which has no coordinates; subject empty, signature any.
inline Bytes request_with_key_at_infinity() {
  return from_hex(
             "303b"
             "3022"
             "020100"
             "3000"
             "3019301306072a8648ce3d020106082a8648ce3d03010703020000"
             "a000"
             "300a06082a8648ce3d040302"
             "03090030060201010201"
             "01")
      .value();
}

}  // namespace slipway::crypto
