#include "http/server.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <memory>
#include <optional>
#include <thread>

#include "http/connections.h"
#include "http/target.h"

namespace slipway::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

// What a refused client may still send before its connection is cut, so that it gets to read why.
constexpr std::size_t kMaximumDrain = 16U << 20;
constexpr int kDrainSeconds = 2;

// What all connections of a server share. The connections live in handlers that wait in `io`; it is declared last but
// for the workers, so that they die before what they use.
struct Shared {
  ServerOptions options;
  Handler handler;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  Connections connections{{options.maximum_connections, options.connections_per_address, options.maximum_buffered}};
  asio::io_context io{1};
  asio::thread_pool workers;

  Shared(ServerOptions server_options, Handler request_handler)
      : options(std::move(server_options)),
        handler(std::move(request_handler)),
        workers(static_cast<std::size_t>(options.worker_threads)) {}
};

Response plain_error(int status, std::string_view code, std::string_view message) {
  Response response;
  response.status = status;
  response.headers["Content-Type"] = "application/json";
  response.body = fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})", code, message);
  return response;
}

// One connection. All its steps run on the socket thread, but the handler, which runs on a worker.
class Session final : public Connection, public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, const asio::ip::address& peer, Shared& shared)
      : Connection(counted_address(peer.to_string())),
        shared_(shared),
        stream_(std::move(socket), shared_.tls),
        peer_(peer.to_string()) {
    shared_.connections.add(*this);
  }
  ~Session() override { shared_.connections.remove(*this); }

  void start() {
    set_deadline(shared_.options.first_request_seconds);
    stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](error_code error) {
      if (!error) self->read_header();
    });
  }

  void drop() override { beast::get_lowest_layer(stream_).close(); }

 private:
  void set_deadline(int seconds) { beast::get_lowest_layer(stream_).expires_after(std::chrono::seconds(seconds)); }

  void read_header() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_.options.maximum_header));
    parser_->body_limit(boost::none);  // known after the header
    set_deadline(first_ ? shared_.options.first_request_seconds : shared_.options.idle_timeout_seconds);
    beast::http::async_read_header(stream_, buffer_, *parser_,
                                   [self = shared_from_this()](error_code error, std::size_t) {
                                     if (error) return self->refuse(error);
                                     self->read_head();
                                   });
  }

  // Everything but the body, which is read only after this.
  void read_head() {
    const auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    head_ = message.method() == beast::http::verb::head;
    set_deadline(shared_.options.request_seconds);
    request_ = {};
    request_.method = std::string(message.method_string());
    request_.peer = peer_;
    const auto host = message[beast::http::field::host];
    if (!is_plain_host({host.data(), host.size()})) {
      return refuse(plain_error(400, "BadRequest", "The Host header is missing, or is not a name and a port."));
    }
    request_.base_url = "https://" + std::string(host);
    if (const auto status = read_target({message.target().data(), message.target().size()}, request_); !status) {
      return refuse(plain_error(400, "BadRequest", "The request target cannot be read: use a percent-encoded path."));
    }
    for (const auto& field : message) {
      request_.headers.emplace(std::string(field.name_string()), std::string(field.value()));
    }
    body_limit_ = shared_.options.body_limit ? shared_.options.body_limit(request_) : shared_.options.maximum_body;
    parser_->body_limit(body_limit_);
    const auto announced = parser_->content_length();
    if (announced && *announced > body_limit_) return refuse(beast::http::error::body_limit);
    const std::size_t size = announced ? static_cast<std::size_t>(*announced) : parser_->chunked() ? body_limit_ : 0;
    if (!shared_.connections.reserve(*this, size)) {
      Response busy = plain_error(503, "ServerBusy", "Too many large requests are under way; ask again.");
      busy.headers["Retry-After"] = "2";
      return refuse(std::move(busy));
    }
    welcome_body();
  }

  void welcome_body() {
    const auto& message = parser_->get();
    if (!beast::iequals(message[beast::http::field::expect], "100-continue")) return read_body();
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue), [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->read_body();
    });
  }

  void read_body() {
    beast::http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->refuse(error);
      self->dispatch();
    });
  }

  // Its body stays unread but for what lets the client see the answer; the connection ends.
  void refuse(Response answer) {
    keep_alive_ = false;
    draining_ = true;
    write(std::move(answer));
  }

  // A request that cannot be read gets its reason where the protocol has one, and its connection ends.
  void refuse(error_code cause) {
    using beast::http::error;
    keep_alive_ = false;
    if (cause == error::body_limit) {
      return refuse(
          plain_error(413, "RequestEntityTooLarge", fmt::format("The body is larger than {} bytes.", body_limit_)));
    }
    if (cause == error::header_limit) {
      return refuse(plain_error(431, "RequestHeaderTooLarge",
                                fmt::format("The header is larger than {} bytes.", shared_.options.maximum_header)));
    }
    const bool is_protocol_error = cause.category() == error_code(error::bad_method).category();
    if (!is_protocol_error || cause == error::end_of_stream || cause == error::partial_message) return close();
    write(plain_error(400, "BadRequest", "The request is not HTTP/1.1 as this server reads it."));
  }

  void dispatch() {
    request_.body = std::move(parser_->get().body());
    shared_.connections.answering(*this);
    // The clock stands still while the handler works; its own calls have limits.
    beast::get_lowest_layer(stream_).expires_never();
    asio::post(shared_.workers, [self = shared_from_this(), request = std::move(request_)]() mutable {
      auto response = std::make_shared<Response>(self->call_handler(request));
      request = {};
      asio::io_context& io = self->shared_.io;
      // The last hold on a connection is let go on the socket thread.
      asio::post(io, [self = std::move(self), response]() { self->write(std::move(*response)); });
    });
  }

  // A handler that throws has a defect: its caller gets an answer, and the others go on.
  Response call_handler(const Request& request) const {
    try {
      return shared_.handler(request);
    } catch (const std::exception&) {
      return plain_error(500, "InternalServerError", "The request met a defect in Slipway; its state is unchanged.");
    }
  }

  // What cannot stand in a header is a handler's defect: a line end would begin a header of somebody else's making.
  static bool has_unfit_header(const Response& response) {
    constexpr std::size_t kMaximum = 8U << 10;
    constexpr std::string_view kLineEnds("\r\n\0", 3);
    return std::any_of(response.headers.begin(), response.headers.end(), [&](const auto& header) {
      const auto& [name, value] = header;
      return name.size() + value.size() > kMaximum || name.find_first_of(kLineEnds) != std::string::npos ||
             value.find_first_of(kLineEnds) != std::string::npos;
    });
  }

  void write(Response response) {
    if (has_unfit_header(response))
      response = plain_error(500, "InternalServerError",
                             "The answer has a header that cannot be sent. The request may have been carried out.");
    outgoing_ = {};
    outgoing_.version(11);
    outgoing_.result(static_cast<unsigned>(response.status));
    for (const auto& [name, value] : response.headers) outgoing_.insert(name, value);
    if (response.status != 204 && response.status != 304 && response.status >= 200) {
      outgoing_.content_length(response.body.size());
      if (!head_) outgoing_.body() = std::move(response.body);
    }
    outgoing_.set(beast::http::field::strict_transport_security, "max-age=31536000");
    outgoing_.set("X-Content-Type-Options", "nosniff");
    outgoing_.keep_alive(keep_alive_);
    set_deadline(shared_.options.request_seconds);
    // The body of an answer to HEAD is left out although its length is named, so the serialiser is told the end.
    serializer_.emplace(outgoing_);
    const auto done = [self = shared_from_this()](error_code error, std::size_t) { self->written(error); };
    if (head_) {
      beast::http::async_write_header(stream_, *serializer_, done);
    } else {
      beast::http::async_write(stream_, *serializer_, done);
    }
  }

  void written(error_code error) {
    if (error) return;
    shared_.connections.answered(*this);
    if (keep_alive_) {
      first_ = false;
      return read_header();
    }
    if (draining_) {
      set_deadline(kDrainSeconds);
      return drain();
    }
    close();
  }

  void drain() {
    stream_.async_read_some(asio::buffer(drained_), [self = shared_from_this()](error_code error, std::size_t count) {
      self->drained_count_ += count;
      if (!error && self->drained_count_ < kMaximumDrain) return self->drain();
      self->close();
    });
  }

  void close() {
    set_deadline(kDrainSeconds);
    stream_.async_shutdown([self = shared_from_this()](error_code) {});
  }

  Shared& shared_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  beast::http::response<beast::http::string_body> outgoing_;
  std::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
  std::string peer_;
  Request request_;             // without its body
  std::size_t body_limit_ = 0;  // of request_
  bool first_ = true, keep_alive_ = true, head_ = false, draining_ = false;
  std::size_t drained_count_ = 0;
  std::array<char, 16384> drained_{};
};

class BeastServer final : public Server {
 public:
  BeastServer(std::unique_ptr<Shared> shared, Tcp::acceptor acceptor)
      : shared_(std::move(shared)), acceptor_(std::move(acceptor)), port_(acceptor_.local_endpoint().port()) {
    accept();
    thread_ = std::thread([this]() { shared_->io.run(); });
  }
  ~BeastServer() override {
    asio::post(shared_->io, [this]() {
      error_code ignored;
      acceptor_.close(ignored);
    });
    shared_->workers.join();
    shared_->io.stop();
    thread_.join();
  }
  BeastServer(const BeastServer&) = delete;
  BeastServer& operator=(const BeastServer&) = delete;

  int port() const override { return port_; }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (error) return retry_accept();
      error_code gone;
      const auto peer = socket.remote_endpoint(gone).address();
      if (!gone && shared_->connections.make_room(counted_address(peer.to_string()))) {
        error_code ignored;
        socket.set_option(Tcp::no_delay(true), ignored);
        std::make_shared<Session>(std::move(socket), peer, *shared_)->start();
      }
      accept();
    });
  }

  // Out of descriptors, most likely: accepting again at once would only burn the processor.
  void retry_accept() {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](error_code error) {
      if (!error) accept();
    });
  }

  std::unique_ptr<Shared> shared_;
  Tcp::acceptor acceptor_;
  asio::steady_timer pause_{shared_->io};
  int port_;
  std::thread thread_;
};

Status configure_tls(Shared& shared) {
  const ServerOptions& options = shared.options;
  SSL_CTX* const native = shared.tls.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  error_code error;
  shared.tls.use_certificate_chain(asio::buffer(options.certificate_chain), error);
  if (!error) shared.tls.use_private_key(asio::buffer(options.private_key), asio::ssl::context::pem, error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the server's certificate and key cannot be used: {}", error.message()));
  }
  if (!options.client_authority.empty()) {
    shared.tls.add_certificate_authority(asio::buffer(options.client_authority), error);
    if (error) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the authority of the server's clients cannot be used: {}", error.message()));
    }
    shared.tls.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    static constexpr std::string_view kSessionContext = "slipway";
    SSL_CTX_set_session_id_context(native, as_bytes(kSessionContext).data(), kSessionContext.size());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler handler) {
  auto shared = std::make_unique<Shared>(options, std::move(handler));
  SLIPWAY_TRY(configure_tls(*shared));

  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error || options.port < 0 || options.port > 65535) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}:{} is not an IP address and a port", options.address, options.port));
  }
  const Tcp::endpoint endpoint(address, static_cast<asio::ip::port_type>(options.port));
  Tcp::acceptor acceptor(shared->io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot listen on {}:{}: {}", options.address, options.port, error.message()));
  }
  return std::make_unique<BeastServer>(std::move(shared), std::move(acceptor));
}

}  // namespace slipway::http
