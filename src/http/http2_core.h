#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "base/bytes_queue.h"
#include "base/fields.h"
#include "http/exchange.h"
#include "http/http2_flood_meter.h"
#include "http/http2_frame_walk.h"
#include "loop/loop.h"
#include "net/byte_stream.h"

namespace parley::http {

class Http2Core;

// What both ends of an HTTP/2 stream have: bytes that came and wait for our reader, and bytes that
// wait to leave. The stream's window is returned when our reader takes bytes, the connection's on
// receipt: so one stalled reader holds back nobody else.
class Http2Stream {
 public:
  Http2Stream(Http2Core& core, int32_t id);
  Http2Stream(const Http2Stream&) = delete;
  Http2Stream& operator=(const Http2Stream&) = delete;

  int32_t id() const { return id_; }

  // Incoming. `arrived` is notified when a head, bytes, the end or a reset came.
  BytesQueue received;
  bool received_end = false;
  Fields received_trailers;
  loop::Signal arrived;
  Bytes take_received();  // REQUIRES: !received.empty(). Opens the window again.

  // Outgoing. `left` is notified when the queue falls below its mark, when the peer has sent its
  // last, and at the stream's end.
  BytesQueue sending;
  bool sending_end = false;
  Fields sending_trailers;
  loop::Signal left;
  void send(Bytes bytes, bool last);
  void send_end(Fields trailers);
  // Bytes of the body that have left since this was last asked.
  size_t take_moved() { return std::exchange(moved_, 0); }
  size_t moved() const { return moved_; }

  bool closed = false;      // nghttp2 has forgotten the stream
  uint32_t close_code = 0;  // HTTP/2 error code
  bool head_sent = false;   // our HEADERS have been handed to the connection's buffer
  bool end_sent = false;    // and the last frame of ours

 protected:
  ~Http2Stream() = default;
  void resume();

  Http2Core& core_;
  int32_t id_;
  bool deferred_ = false;  // nghttp2 waits for `sending` to fill
  size_t moved_ = 0;

  friend class Http2Core;

 private:
  // Events, from inside of nghttp2: they record, and resume nothing.
  virtual void on_field(std::string_view name, std::string_view value, bool never_index) = 0;
  virtual void on_head_complete() = 0;
  virtual void on_closed() = 0;
};

// One HTTP/2 connection, client's or server's: nghttp2 on one side, a ByteStream on the other. It
// moves bytes; what streams mean is its owner's.
class Http2Core : public loop::Flusher {
 public:
  enum class Side : uint8_t { Server, Client };
  Http2Core(Side side, std::unique_ptr<net::ByteStream> stream, const Http2Limits& limits);
  Http2Core(const Http2Core&) = delete;
  Http2Core& operator=(const Http2Core&) = delete;
  virtual ~Http2Core();

  nghttp2_session* session() { return session_.get(); }
  net::ByteStream& stream() { return *stream_; }
  loop::Loop& loop() { return stream_->loop(); }
  uint32_t write_buffer_bytes() const { return write_buffer_bytes_; }
  Http2FloodMeter& flood() { return flood_; }

  // Feeds what arrived. A failure ends the connection (after a GOAWAY has left); it may name the
  // limit that the peer has passed.
  Result<void> receive(const Bytes& chunk);

  // Something was submitted: it leaves at the end of the turn.
  void wants_flush() {
    if (!silent_) loop().flush_later(*this);
  }
  // From now on nothing leaves: for streams that may be destroyed while nghttp2 still knows them.
  void fall_silent() {
    silent_ = true;
    unlink();
  }
  void flush() override;
  // Goes on with what flush() left in nghttp2 whenever the stream has taken what it had. The owner
  // spawns it for the connection's life.
  loop::Task<void> flush_when_writable();
  // When the header that the peer is sending began; kNever: it sends none.
  Instant header_since() const { return header_since_; }
  // Bytes that the operating system has taken, ever.
  uint64_t delivered() const { return written_ - stream_->unsent(); }

  // A stream's queue as nghttp2's source of DATA.
  static nghttp2_data_provider body_of(Http2Stream& stream);

  // Whether both directions are over, as nghttp2 sees it.
  bool finished() {
    return !nghttp2_session_want_read(session()) && !nghttp2_session_want_write(session());
  }

 protected:
  // From inside of nghttp2; they record, and resume nothing.
  virtual Http2Stream* on_stream_begin(
      int32_t id) = 0;  // server: a request begins; nullptr refuses it
  virtual void on_frame(const nghttp2_frame& frame) { (void)frame; }
  // The header of any frame, before nghttp2 has read what is in the same chunk before it.
  virtual void on_frame_head(const Http2FrameWalk::Head& head) { (void)head; }
  // So many DATA frames came for streams that nobody reads anymore; `bytes` is with their headers.
  virtual void on_ignored_data(uint64_t frames, uint64_t bytes) { (void)frames, (void)bytes; }
  // HEADERS begin, on a stream that is not open (anymore).
  virtual void on_headers_without_stream(int32_t id) { (void)id; }
  // The peer breaks a rule that nghttp2 does not know: the connection ends with this code. `what`:
  // a literal.
  void violated(uint32_t code, std::string_view what) {
    if (violation_.empty()) violation_code_ = code, violation_ = what;
  }
  // Server: the first frame of all, where nghttp2 would name a limit of streams that is not ours.
  void write_first_settings(uint32_t streams_max);
  // GOAWAY; `why` is for people.
  void say_goodbye(uint32_t code, std::string_view why);
  // After nghttp2 returned: streams may be deleted, tasks destroyed.
  virtual void after_events() = 0;

 private:
  friend class Http2Stream;
  struct DeleteSession {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  struct Callbacks;

  void gather_output();
  void write(Bytes bytes);
  void write_copy(std::string_view bytes);
  void count(const Http2FrameWalk::Head& head);
  void watch_header();
  void note_read(const nghttp2_frame_hd& head);
  void count_ignored_data();

  std::unique_ptr<nghttp2_session, DeleteSession> session_;
  std::unique_ptr<net::ByteStream> stream_;
  const uint32_t write_buffer_bytes_;
  Http2FloodMeter flood_;
  const Bytes* receiving_ = nullptr;  // the chunk that nghttp2 reads now
  Http2FrameWalk walk_;
  Instant header_since_ = kNever;
  uint64_t header_ = 0;  // which one that is
  // DATA that the walk has seen and nghttp2 has not handed on.
  uint64_t unread_frames_ = 0;
  uint64_t unread_bytes_ = 0;   // with their headers
  std::string_view violation_;  // empty: none
  uint32_t violation_code_ = 0;
  uint64_t written_ = 0;    // bytes that the stream was given, ever
  bool held_back_ = false;  // flush() left output in nghttp2, for the stream was full
  bool silent_ = false;
};

// nghttp2's view of a list of fields; it borrows the text: `fields` lives until the frame has left.
std::vector<nghttp2_nv> to_nghttp2(const Fields& fields);
void append_nghttp2(const Fields& fields, std::vector<nghttp2_nv>& to);

}  // namespace parley::http
