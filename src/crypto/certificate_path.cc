#include "crypto/certificate_path.h"

#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

using OwnedStore = Owned<X509_STORE, X509_STORE_free>;
using OwnedStoreContext = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;

void free_stack(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }
using OwnedStack = std::unique_ptr<STACK_OF(X509), Freer<free_stack>>;

OwnedStack stack_of(const std::vector<Certificate>& certificates) {
  OwnedStack stack(sk_X509_new_null());
  require(stack != nullptr, "making a stack of certificates");
  for (const Certificate& certificate : certificates)
    require(X509_add_cert(stack.get(), certificate.get(), X509_ADD_FLAG_UP_REF) == 1, "adding a certificate");
  return stack;
}

OwnedStore store_of(const std::vector<Certificate>& anchors, std::optional<Time> at) {
  OwnedStore store(X509_STORE_new());
  require(store != nullptr, "making a certificate store");
  for (const Certificate& anchor : anchors)
    require(X509_STORE_add_cert(store.get(), anchor.get()) == 1, "adding an anchor");
  X509_VERIFY_PARAM* parameters = X509_STORE_get0_param(store.get());
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
  if (at)
    X509_VERIFY_PARAM_set_time(parameters, std::chrono::floor<seconds>(*at).time_since_epoch().count());
  else
    flags |= X509_V_FLAG_NO_CHECK_TIME;
  require(X509_VERIFY_PARAM_set_flags(parameters, flags) == 1 &&
              X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY) == 1,
          "setting up a certificate store");
  return store;
}

}  // namespace

Result<std::vector<Certificate>> find_path(const Certificate& leaf, const std::vector<Certificate>& untrusted,
                                           const std::vector<Certificate>& anchors, std::optional<Time> at) {
  const ErrorScope errors;
  const OwnedStore store = store_of(anchors, at);
  const OwnedStack between = stack_of(untrusted);
  const OwnedStoreContext context(X509_STORE_CTX_new());
  require(context && X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), between.get()) == 1,
          "setting up the search for a path");
  if (X509_verify_cert(context.get()) != 1)
    return fail(ErrorCode::kPermissionDenied,
                "no path leads from the certificate " + leaf.subject() +
                    " to a trusted one: " + X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  std::vector<Certificate> path;
  const STACK_OF(X509)* found = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(found); ++i) {
    X509* certificate = sk_X509_value(found, i);
    require(X509_up_ref(certificate) == 1, "keeping a certificate");
    path.emplace_back(std::shared_ptr<X509>(certificate, X509_free));
  }
  return path;
}

}  // namespace slipway::crypto
