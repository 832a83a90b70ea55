#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/fields.h"
#include "base/result.h"
#include "loop/task.h"
#include "net/byte_stream.h"

namespace parley::http {

enum class Version : uint8_t { Http10, Http11, Http2, Http3 };
std::string_view version_text(Version version);  // "HTTP/1.1"

// The head of a request, as one list: pseudo fields first (`:method`, `:scheme`, `:authority`,
// `:path`, as in RFC 9113, 8.3.1, made up for HTTP/1.1), then the header in its order. An HTTP/1.1
// `Host` becomes `:authority`.
struct RequestHead {
  Fields fields;

  std::string_view verb() const { return fields.find(FieldId::PseudoMethod).value_or(""); }
  std::string_view target() const {
    return fields.find(FieldId::PseudoPath).value_or("");
  }  // path and query
  std::string_view authority() const { return fields.find(FieldId::PseudoAuthority).value_or(""); }
  std::string_view scheme() const { return fields.find(FieldId::PseudoScheme).value_or(""); }
};

// The head of a response. No pseudo fields in `fields`.
struct ResponseHead {
  uint16_t status = 200;
  Fields fields;
};

constexpr bool is_pseudo(FieldId id) {
  return id >= FieldId::PseudoAuthority && id <= FieldId::PseudoStatus;
}

// What an exchange came to, for the access log and the counters. The connection fills in bytes and
// status; layers and doors fill in the rest as they learn it.
struct Record {
  Instant started{};            // the first byte of the request
  uint64_t request_bytes = 0;   // of the body, as it came
  uint64_t response_bytes = 0;  // of the body, as it left
  uint16_t status = 0;          // 0: no head was sent
  bool reset = false;           // the stream ended without a whole answer
  Code code = Code::Ok;
  bool code_known = false;
  std::string_view protocol;  // "rest", "grpc": which door served it; a literal
  std::string method;         // "shop.v1.Users.GetUser", when it is one that is served
  std::string route;          // the template that matched
  std::string endpoint;       // which upstream endpoint answered
  std::string request_id;
  std::string limit;   // the named limit that was hit: Failure::limit_name()
  std::string reason;  // of a failure: reason and detail
};

// One HTTP request and its response, whichever version carries it: nothing here assumes a TCP
// connection. Made by a connection, which destroys it, and the task that serves it, when the client
// goes away.
//
//   read()* and, independently:  inform()* begin() write()* finish()   |  reset() at any time
//
// A service that returns without finish or reset has its exchange reset.
class Exchange {
 public:
  virtual ~Exchange() = default;
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const RequestHead& request() const { return request_; }
  Record& record() { return record_; }
  const Record& record() const { return record_; }
  virtual Version version() const = 0;
  virtual const net::Address& peer() const = 0;
  virtual const net::TlsInfo& tls() const = 0;
  // Whom the request is from: the peer, unless a layer knows that it speaks for somebody else.
  const net::Address& client() const { return client_ ? *client_ : peer(); }
  void set_client(const net::Address& client) { client_ = std::make_unique<net::Address>(client); }
  // Whether that client's connection is TLS: to us or, if a layer knows, to who speaks for it.
  bool secure() const { return secure_.value_or(tls().active); }
  void set_secure(bool secure) { secure_ = secure; }
  // What the head of every answer gets, whoever writes it; a layer names it before it calls on, and
  // keeps it. nullptr: nothing.
  void set_answer_fields(const Fields* fields) { answer_fields_ = fields; }

  // The next chunk of the body; an empty one is its end. Fails with Client origin when the client
  // broke the protocol, or with BodyTimeout. What is not read holds the client back.
  virtual loop::Task<Result<Bytes>> read() = 0;
  // The client may pause inside of the body as long as it likes: for streams, whose messages come
  // when they come. Without it body_timeout and body_rate_min hold.
  void let_body_pause() { body_may_pause_ = true; }
  // The trailers, once read() has given the end.
  virtual const Fields& trailers() const = 0;
  // Whether the request's body is known to be empty or is over (so that read() would give the end).
  virtual bool request_ended() const = 0;
  // The length that the client declared; nullopt: none (chunked, or HTTP/2 without content-length).
  virtual std::optional<uint64_t> content_length() const = 0;

  // An interim response: 100 before the body is read happens by itself.
  virtual void inform(uint16_t status, const Fields& fields) = 0;
  // The head. With `ends`, the response has no body and no trailers. REQUIRES: not begun.
  virtual void begin(ResponseHead head, bool ends = false) = 0;
  bool begun() const { return record_.status != 0; }
  // A part of the body. Resolves once little enough waits for the client. Fails when the client is
  // gone.
  virtual loop::Task<Result<void>> write(Bytes bytes) = 0;
  // The end, with trailers where the version can carry them (HTTP/1.1: only when the request said
  // `te: trailers`).
  virtual void finish(Fields trailers = {}) = 0;
  // The last part of the body and the end, in one frame where possible.
  virtual void finish_with(Bytes last) = 0;
  // Ends without a whole answer, so that the client can tell. `code` is the failure's cause.
  virtual void reset(Code code) = 0;
  virtual bool finished() const = 0;

  // Asks the connection to take no more requests after this one (Connection: close, GOAWAY).
  virtual void close_after() = 0;

 protected:
  void add_answer_fields(ResponseHead& head) const {
    if (!answer_fields_) return;
    for (const Field field : *answer_fields_) head.fields.add(field);
  }

  std::unique_ptr<net::Address> client_;
  std::optional<bool> secure_;
  const Fields* answer_fields_ = nullptr;
  RequestHead request_;
  Record record_;
  bool body_may_pause_ = false;
};

// Serves exchanges: a door, or a layer around one. The task's life is the exchange's.
class ExchangeService {
 public:
  virtual ~ExchangeService() = default;
  virtual loop::Task<void> serve(Exchange& exchange) = 0;

  // A request that HTTP itself refuses (bad syntax, a limit): the one responder writes the answer.
  // The request's head may be incomplete. Resolves when the answer is written.
  virtual loop::Task<void> refuse(Exchange& exchange, Failure failure) = 0;
};

// Limits and timeouts of HTTP on listeners, with defaults for an internet edge. Named in errors as
// "http.<name>".
struct Settings {
  uint32_t header_bytes_max = 64 * 1024;  // the sum of name + value + 32 over all fields
  uint32_t header_count_max = 128;
  uint32_t url_bytes_max = 16 * 1024;
  uint32_t streams_max = 128;                 // HTTP/2: concurrent streams of a connection
  uint32_t stream_window_bytes = 256 * 1024;  // HTTP/2: what a client may send ahead on a stream
  uint32_t write_buffer_bytes = 64 * 1024;    // of one stream, before write() waits
  // HTTP/2: in ten seconds, streams that a client resets or makes us reset, beside half of its
  // requests; and frames that carry nothing of a message, beside what its messages bring with them.
  uint32_t resets_max = 200;
  uint32_t overhead_frames_max = 1000;
  uint32_t continuation_frames_max = 8;  // HTTP/2: of one header, behind its HEADERS frame
  uint32_t control_frames_queued_max =
      1000;  // HTTP/2: answers (PING, SETTINGS, RST) waiting to leave
  // Of one connection, which then ends in peace: so that connections that last for days spread over
  // the shards, and over the gateways behind a balancer, again. 0: no limit.
  uint32_t requests_per_connection_max = 100'000;
  Duration header_timeout =
      std::chrono::seconds(10);  // to the first byte, and from it to the end of the header
  Duration body_timeout = std::chrono::seconds(30);  // between two chunks of a body
  // Bytes a second, below which a body or an answer falls behind (by its timeout: fails); 0: none.
  uint32_t body_rate_min = 240;
  Duration keep_alive_timeout =
      std::chrono::seconds(75);  // HTTP/1.1: from an answer to the next request
  Duration idle_timeout = std::chrono::seconds(300);  // HTTP/2: without any stream
  Duration write_timeout = std::chrono::seconds(30);  // a client that reads nothing
  bool half_close_is_gone = true;  // a FIN before the answer is complete counts as gone
};

}  // namespace parley::http
