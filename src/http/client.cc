#include "http/client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "crypto/digest.h"
#include "http/private_address.h"

namespace slipway::http {
namespace {

constexpr std::size_t kMaximumIdleConnections = 8;
constexpr std::size_t kMaximumHeaderBytes = 256U << 10;

struct CloseHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, CloseHandle>;
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

void initialise_once() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(initialised);
}

// One answer on its way in.
struct Incoming {
  Response response;
  std::size_t maximum = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& incoming = *static_cast<Incoming*>(context);
  const std::size_t bytes = size * count;
  if (bytes > incoming.maximum - incoming.response.body.size()) {
    incoming.too_large = true;
    return 0;
  }
  incoming.response.body.append(data, bytes);
  return bytes;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* context) {
  auto& incoming = *static_cast<Incoming*>(context);
  const std::size_t bytes = size * count;
  incoming.header_bytes += bytes;
  if (incoming.header_bytes > kMaximumHeaderBytes) {
    incoming.too_large = true;
    return 0;
  }
  std::string_view line(data, bytes);
  // A new status line starts a new set: what came before was "100 Continue".
  if (line.substr(0, 5) == "HTTP/") incoming.response.headers.clear();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  incoming.response.headers.emplace(std::string(line.substr(0, colon)), std::string(value));
  return bytes;
}

// Trusts one authority: the certificate in the presented chain, not the leaf, that is an authority and whose key has
// the pinned digest. Everything else of the path (signatures, dates, uses) OpenSSL checks as always; the name, curl.
int verify_pinned_chain(X509_STORE_CTX* context, void* argument) {
  const auto& pin = *static_cast<const Bytes*>(argument);
  X509* const leaf = X509_STORE_CTX_get0_cert(context);
  STACK_OF(X509)* const presented = X509_STORE_CTX_get0_untrusted(context);
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> trusted(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (int i = 0; trusted && presented && i < sk_X509_num(presented); ++i) {
    X509* const certificate = sk_X509_value(presented, i);
    if (X509_cmp(certificate, leaf) == 0 || X509_check_ca(certificate) != 1) continue;
    unsigned char* encoded = nullptr;
    const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded);
    if (length <= 0) continue;
    const Bytes digest = crypto::sha256({encoded, static_cast<std::size_t>(length)});
    OPENSSL_free(encoded);
    if (equal_in_constant_time(digest, pin)) sk_X509_push(trusted.get(), certificate);
  }
  if (!trusted || sk_X509_num(trusted.get()) == 0) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
  }
  X509_STORE_CTX_set0_trusted_stack(context, trusted.get());
  return X509_verify_cert(context);
}

CURLcode set_up_pin(CURL*, void* tls_context, void* argument) {
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(tls_context), verify_pinned_chain, argument);
  return CURLE_OK;
}

curl_blob blob_of(const std::string& text) { return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY}; }

void set_trust(CURL* handle, const ClientOptions& options) {
  curl_easy_setopt(handle, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  // The system's authorities are curl's default; ours are the ones named, and no others.
  curl_easy_setopt(handle, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
  if (!options.pinned_ca_key_sha256.empty()) {
    curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, set_up_pin);
    curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, &options.pinned_ca_key_sha256);
  } else {
    curl_blob authorities = blob_of(options.ca_pem);
    curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &authorities);
  }
  if (!options.client_certificate_pem.empty()) {
    curl_blob certificate = blob_of(options.client_certificate_pem);
    curl_blob key = blob_of(options.client_key_pem);
    curl_easy_setopt(handle, CURLOPT_SSLCERTTYPE, "PEM");
    curl_easy_setopt(handle, CURLOPT_SSLCERT_BLOB, &certificate);
    curl_easy_setopt(handle, CURLOPT_SSLKEYTYPE, "PEM");
    curl_easy_setopt(handle, CURLOPT_SSLKEY_BLOB, &key);
  }
}

void set_method(CURL* handle, const ClientRequest& request) {
  const bool sends_body = !request.body.empty() || request.method == "POST" || request.method == "PUT";
  if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (sends_body) {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else {
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

Result<HeaderList> make_headers(const ClientRequest& request) {
  HeaderList list;
  const auto append = [&list](const std::string& line) {
    curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return;
    static_cast<void>(list.release());
    list.reset(longer);
  };
  for (const auto& [name, value] : request.headers) {
    if (name.find_first_of("\r\n:") != std::string::npos || value.find_first_of("\r\n") != std::string::npos) {
      return fail(ErrorCode::kInvalidArgument, "a header's name or value holds a line end");
    }
    append(value.empty() ? name + ";" : name + ": " + value);
  }
  // curl would call any body a form.
  if (request.headers.count("Content-Type") == 0) append("Content-Type:");
  return list;
}

Status explain(CURLcode code, const char* detail, const Incoming& incoming, const ClientRequest& request) {
  if (incoming.too_large) {
    return fail(ErrorCode::kResourceExhausted, fmt::format("the answer to {} {} is larger than {} bytes",
                                                           request.method, request.url, incoming.maximum));
  }
  const std::string cause = detail[0] != '\0' ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return fail(ErrorCode::kPermissionDenied,
                  fmt::format("{} is not the server that is trusted here: {}", request.url, cause));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a URL to call: {}", request.url, cause));
    default:
      return fail(ErrorCode::kUnavailable, fmt::format("no answer from {}: {}", request.url, cause));
  }
}

}  // namespace

// Idle curl handles of one client, each with its open connections. They are never shared between clients: curl does not
// know of the pin when it picks an open connection.
class Client::Connections {
 public:
  Handle take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return Handle(curl_easy_init());
    Handle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }
  void give_back(Handle handle) {
    curl_easy_reset(handle.get());
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMaximumIdleConnections) idle_.push_back(std::move(handle));
  }

 private:
  std::mutex mutex_;
  std::vector<Handle> idle_;
};

Client::Client(ClientOptions options) : options_(std::move(options)), connections_(std::make_shared<Connections>()) {}

Result<Response> Client::send(const ClientRequest& request) const {
  initialise_once();
  const bool is_https = request.url.rfind("https://", 0) == 0;
  if (!is_https && request.url.rfind("http://", 0) != 0) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not an http or https URL", request.url));
  }
  if (is_https && options_.ca_pem.empty() && options_.pinned_ca_key_sha256.empty()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("no authority is named to trust {} by", request.url));
  }
  if (options_.client_certificate_pem.empty() != options_.client_key_pem.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a client certificate needs its key, and a key its certificate");
  }
  SLIPWAY_ASSIGN(const HeaderList headers, make_headers(request));

  Handle handle = connections_->take();
  if (!handle) return fail(ErrorCode::kInternal, "curl_easy_init failed");
  Incoming incoming;
  incoming.maximum = options_.maximum_response;
  char detail[CURL_ERROR_SIZE] = {};
  CURL* const raw = handle.get();
  curl_easy_setopt(raw, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(raw, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(raw, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(raw, CURLOPT_TIMEOUT, static_cast<long>(options_.timeout_seconds));
  curl_easy_setopt(raw, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(raw, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(raw, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(raw, CURLOPT_WRITEDATA, &incoming);
  curl_easy_setopt(raw, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(raw, CURLOPT_HEADERDATA, &incoming);
  if (!options_.unix_socket.empty()) {
    curl_easy_setopt(raw, CURLOPT_UNIX_SOCKET_PATH, options_.unix_socket.c_str());
  }
  if (!options_.unix_socket.empty() || !options_.pinned_ca_key_sha256.empty() || is_private_url(request.url)) {
    curl_easy_setopt(raw, CURLOPT_PROXY, "");
  }
  set_trust(raw, options_);
  set_method(raw, request);

  const CURLcode code = curl_easy_perform(raw);
  long status = 0;
  curl_easy_getinfo(raw, CURLINFO_RESPONSE_CODE, &status);
  connections_->give_back(std::move(handle));
  if (code != CURLE_OK) return fail(explain(code, detail, incoming, request).error());
  incoming.response.status = static_cast<int>(status);
  return std::move(incoming.response);
}

}  // namespace slipway::http
