#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/certificate.h"
#include "crypto/detached_signature.h"

namespace slipway::bootchain {

// A kernel module with its signature behind it (Linux, include/linux/module_signature.h): the module, a CMS signature,
// 12 bytes that give its length, and a line that marks it. Nothing is verified. Views live as long as the file.
struct UnverifiedModule {
  ByteView content;                                    // what the signature covers
  std::optional<crypto::DetachedSignature> signature;  // none: the module is not signed
  std::size_t signature_offset = 0;
};

// At most 256 MiB, and an ELF file. kMalformed, with the offset, for another file (compressed ones by name), or where
// the mark is there and what stands before it is not a signature of type PKCS#7 that fits.
Result<UnverifiedModule> read_module(ByteView file);

struct ModuleDecision {
  bool loads = false;
  // "module.unsigned", "module.unknownSigner" (no certificate is the one that the signature names), "module.hash" (an
  // algorithm that a locked down kernel does not take), "module.signature" (it does not hold), "module.certificate".
  std::string rule;
  std::string reason;
  std::optional<crypto::Certificate> signer;
};

// Would a kernel that enforces module signatures (lockdown, sig_enforce) and has these certificates in its trusted key
// rings load the module? The signature must name one of them exactly: the kernel builds no chains here (Linux,
// kernel/module/signing.c). SHA-1 is refused: no kernel configuration that Secure Boot needs still signs with it.
ModuleDecision would_kernel_load(const UnverifiedModule& module, const std::vector<crypto::Certificate>& trusted);

}  // namespace slipway::bootchain
