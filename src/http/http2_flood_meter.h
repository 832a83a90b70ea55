#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/failure.h"

namespace parley::http {

// What an HTTP/2 connection bears of its peer (RFC 9113, 10.5).
struct Http2Limits {
  std::string prefix;  // of the settings' names: "http.", "upstreams.users."
  uint32_t write_buffer_bytes = 0;
  uint32_t control_frames_queued_max = 0;
  uint32_t continuation_frames_max = 0;
  uint32_t overhead_frames_max = 0;
  uint32_t resets_max = UINT32_MAX;
};

// Counts what a peer makes us do beside serving its requests, and says when it is too much. What
// real work brings with it is allowed: a client may cancel half of its requests, and answers DATA
// with WINDOW_UPDATE and PING. Beside that there is a number for each span of ten seconds. Counting
// needs no clock; go_on() is for before each chunk of input, passed() for after it.
class Http2FloodMeter {
 public:
  static constexpr Duration kSpan = std::chrono::seconds(10);

  explicit Http2FloodMeter(const Http2Limits& limits) : limits_(limits) {}

  // The time: a span may be over, and with it what it allows.
  void go_on(Instant now);
  // A request has begun.
  void request() {
    ++requests_;
    earned_ += kFramesPerMessage;
  }
  // DATA with content has come, or has left and was not cut short by the peer's window.
  void data() { earned_ += kFramesPerMessage; }
  // A frame that carries nothing of a message: PING, SETTINGS, WINDOW_UPDATE, an empty DATA ...
  void overhead(uint64_t frames = 1) { overhead_ += frames; }
  // A stream that the peer has reset, or made us reset.
  void reset() { ++resets_; }
  // An answer that the peer has taken whole; and one that we have reset since it did not.
  void answered() { ++answered_; }
  void stalled() { ++stalled_; }
  // A limit that is passed without counting. `limit`: a literal, without the prefix. One that
  // begins with "fixed." is no setting, and has none.
  void trip(std::string_view limit, std::string_view what) {
    tripped_ = limit;
    what_ = what;
  }
  // A limit's name as users write it.
  std::string name_of(std::string_view limit) const {
    return (limit.starts_with("fixed.") ? "" : limits_.prefix) + std::string(limit);
  }
  bool tripped() const { return !tripped_.empty(); }

  // Whether no more should be begun for this peer.
  bool suspicious() const {
    return too_much_overhead() || too_many_resets() || too_many_stalled() || !tripped_.empty();
  }
  // The first limit that was passed, by its name. The connection ends with it.
  std::optional<Failure> passed() const;

 private:
  // WINDOW_UPDATE of the stream, of the connection, and a PING that measures the path.
  static constexpr uint32_t kFramesPerMessage = 3;

  // What comes back for the last messages of a span may come in the next.
  bool too_much_overhead() const {
    return overhead_ > limits_.overhead_frames_max + earned_ + earned_before_;
  }
  bool too_many_resets() const { return resets_ > limits_.resets_max + requests_ / 2; }
  // Of the connection's whole life: a stream takes its time to stall, and holds its answer
  // meanwhile.
  bool too_many_stalled() const { return stalled_ > limits_.resets_max + answered_ / 2; }
  Failure failure(std::string_view limit, std::string what) const;

  const Http2Limits limits_;
  Instant span_start_ = kNever;  // kNever: none has begun
  uint64_t requests_ = 0;
  uint64_t earned_ = 0;         // overhead that is allowed beside the limit
  uint64_t earned_before_ = 0;  // in the span before
  uint64_t overhead_ = 0;
  uint64_t resets_ = 0;
  uint64_t answered_ = 0;  // ever, as the next
  uint64_t stalled_ = 0;
  std::string_view tripped_;
  std::string_view what_;
};

}  // namespace parley::http
