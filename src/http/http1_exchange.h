#pragma once

#include "http/body_pace.h"
#include "http/exchange.h"
#include "http/http1_connection.h"
#include "http/http1_parser.h"
#include "http/http1_writer.h"

namespace parley::http {

// One request and its answer on an HTTP/1.1 connection, which makes and destroys it.
//
// The head of an answer is held back until the first part of the body, the end, or the end of the
// turn: so an answer that is known at once has a length and leaves in one write.
class Http1Exchange final : public Exchange, public loop::Flusher {
 public:
  // A body up to this size is copied behind the head, into the same memory.
  static constexpr size_t kInlineBodyMax = 4096;

  explicit Http1Exchange(Http1Connection& connection);
  PARLEY_POOLED

  Version version() const override { return parser_.head().version; }
  const net::Address& peer() const override { return connection_.stream().peer(); }
  const net::TlsInfo& tls() const override { return connection_.stream().tls(); }

  loop::Task<Result<Bytes>> read() override;
  const Fields& trailers() const override { return parser_.body().trailers(); }
  bool request_ended() const override { return parser_.body().ended(); }
  std::optional<uint64_t> content_length() const override { return parser_.head().content_length; }
  void inform(uint16_t status, const Fields& fields) override;
  void begin(ResponseHead head, bool ends) override;
  loop::Task<Result<void>> write(Bytes bytes) override;
  void finish(Fields trailers) override;
  void finish_with(Bytes last) override;
  void reset(Code code) override;
  bool finished() const override { return stage_ == Stage::Finished; }
  void close_after() override { close_ = true; }

  // For the connection.
  Result<bool> parse_head(Bytes& input) { return parser_.parse_head(input, request_); }
  Http1Parser& parser() { return parser_; }
  bool reading() const { return reading_; }               // a service waits for bytes of the body
  bool reusable() const { return reusable_ && !close_; }  // the answer lets the connection go on
  bool cut_off() const { return cut_off_; }               // its end must not look like an end
  void flush() override;                                  // the turn's end

 private:
  enum class Stage : uint8_t { Waiting, HeadHeld, Body, Finished };

  Result<std::optional<Bytes>> take();
  void send_continue();
  bool is_to_head() const { return request_.verb() == "HEAD"; }
  Http1Framing choose_framing(std::optional<uint64_t> length) const;
  bool will_be_reusable(bool ends) const;
  // Writes the head that was held, and `part` behind it. `length`: of the whole body, if known.
  void send_head(std::optional<uint64_t> length, Bytes part);
  void send_part(Bytes part);
  void append_part(ByteBuffer& out, std::string_view part);
  bool fits(size_t size);
  void end();

  Http1Connection& connection_;
  Http1Parser parser_;
  BodyPace pace_;
  Pace taking_;  // of the answer
  ResponseHead response_;
  Http1Framing framing_;
  uint64_t sent_ = 0;  // of a body with a length
  Stage stage_ = Stage::Waiting;
  bool continued_ = false;  // 100 was sent, or is not needed any more
  bool reading_ = false;
  bool close_ = false;
  bool body_failed_ = false;
  bool reusable_ = false;
  bool cut_off_ = false;
};

}  // namespace parley::http
