#pragma once

#include <memory>
#include <optional>

#include "http/body_pace.h"
#include "http/server.h"
#include "loop/task.h"
#include "net/byte_stream.h"

namespace parley::http {

class Http1Exchange;

// A client's HTTP/1.1 connection (RFC 9112): one exchange after the other. It reads ahead while one
// is served, but only to see whether the client has gone, and only to a limit. Between two
// exchanges it owns no buffer.
//
//   head arrives → served by a task → answered, rest of the body dropped → next, or closed
class Http1Connection {
 public:
  // Bytes that wait for a service that does not read them, before the connection reads no further.
  static constexpr size_t kReadAheadBytesMax = 16 * 1024;
  // The rest of a request's body that is read and dropped, so that the connection can be used
  // again.
  static constexpr size_t kDrainBytesMax = 256 * 1024;
  static constexpr Duration kDrainTime = std::chrono::seconds(2);
  // What is read and dropped after our FIN, so that no reset overtakes the last answer.
  static constexpr size_t kLingerBytesMax = 16 * 1024 * 1024;
  static constexpr Duration kLingerTime = std::chrono::seconds(2);
  // Requests that a client has sent ahead and that are served before other connections' turn.
  static constexpr unsigned kPipelinedPerTurn = 16;

  Http1Connection(std::unique_ptr<net::ByteStream> stream, Bytes first,
                  const ServerContext& context);
  Http1Connection(const Http1Connection&) = delete;
  Http1Connection& operator=(const Http1Connection&) = delete;
  ~Http1Connection();

  [[gnu::noinline]] loop::Task<void> run();

  // For the exchange that is served.
  net::ByteStream& stream() { return *stream_; }
  const ServerContext& context() const { return context_; }
  Bytes& input() { return input_; }
  enum class Pulled : uint8_t { Bytes, Nothing, Ended };
  // Reads what has arrived, behind what `input` holds.
  Pulled pull();
  // Whether so much waits to be sent that no more should be written.
  bool full() const;
  // Waits for the client to take some of it. True: it has taken too little, and was cut off.
  loop::Task<bool> wait_for_room(Pace& taking);
  // The client has gone: ends the task that is served, later in this turn.
  void lose();
  // The service has read the body: what comes now tells whether the client is there.
  void watch_again();
  // Whether the connection ends with this answer, whatever the exchange itself says.
  bool ends_after_answer() const {
    return refused_ || context_.drain.draining() || had_all_requests();
  }

 private:
  // Their frames are apart, so that each wait owns its own memory only: inlined, all would become
  // part of the frame that an idle connection keeps.
  [[gnu::noinline]] loop::Task<bool> receive_head();
  [[gnu::noinline]] loop::Task<bool> serve();
  [[gnu::noinline]] loop::Task<bool> make_reusable();
  [[gnu::noinline]] loop::Task<bool> drop_body();
  [[gnu::noinline]] loop::Task<bool> make_room();
  [[gnu::noinline]] loop::Task<void> linger();

  bool parse_head();
  void refuse(Failure failure);
  Instant head_deadline() const;
  Instant idle_deadline() const;
  void count_idle() const;
  bool had_all_requests() const {
    const uint32_t requests_max = context_.settings.requests_per_connection_max;
    return requests_max != 0 && requests_ >= requests_max;
  }
  bool gone();
  bool end_answer();

  const ServerContext context_;
  std::unique_ptr<net::ByteStream> stream_;
  Bytes input_;                              // has come, and is not parsed
  std::unique_ptr<Http1Exchange> exchange_;  // from a request's first byte on
  std::optional<Failure> refusal_;
  Instant idle_since_;
  Instant draining_since_ = kNever;
  uint32_t requests_ = 0;  // that were begun to be served
  unsigned pipelined_ = 0;
  bool refused_ = false;     // the request was, by HTTP
  bool peer_ended_ = false;  // FIN came
  bool broken_ = false;
  bool lost_ = false;
  bool watching_ = false;  // everything that had come was read: the next event will tell
};

}  // namespace parley::http
