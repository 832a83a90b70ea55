#pragma once

#include <memory>

#include "base/bytes.h"
#include "edge/log_output.h"
#include "edge/settings.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "observe/counter.h"

namespace parley::edge {

// Gathers a shard's log lines and writes them out together, at most 100 ms later, so that a busy
// shard does not make a system call for each. Never waits for the terminal or the pipe: what it
// does not take stays in the buffer, and when that is full, new lines are dropped and counted.
//
//   (begin_line end_line)* → destroyed, which writes what can be written at once
class LogSink {
 public:
  // `dropped` is borrowed for the sink's life.
  LogSink(loop::Loop& loop, std::unique_ptr<LogOutput> output, const LogSettings& settings,
          observe::Counter& dropped);
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;
  ~LogSink();

  LogFormat format() const { return settings_.format; }
  // From now on; what waits is written all the same.
  void configure(const LogSettings& settings);

  // Where to append one line of at most observe::kLineBytesMax, its newline included; nullptr: the
  // buffer is full, the line is counted as dropped. Each success is followed by end_line.
  ByteBuffer* begin_line();
  void end_line();

 private:
  // Two ways to be called back: at the end of this turn, and after the delay.
  struct AtTurnsEnd final : loop::Flusher {
    explicit AtTurnsEnd(LogSink& sink_) : sink(sink_) {}
    void flush() override { sink.write_out(); }
    LogSink& sink;
  };
  struct AfterDelay final : loop::Timer {
    explicit AfterDelay(LogSink& sink_) : sink(sink_) {}
    void fire() override { sink.write_out(); }
    LogSink& sink;
  };

  void write_out();
  void drop_front(size_t count);

  static constexpr Duration kDelay = std::chrono::milliseconds(100);
  static constexpr size_t kFlushBytes = 32 * 1024;  // that many do not wait for the delay

  loop::Loop& loop_;
  const std::unique_ptr<LogOutput> output_;
  LogSettings settings_;
  size_t buffer_bytes_max_;
  observe::Counter& dropped_;
  ByteBuffer waiting_;
  bool stuck_ = false;  // the last write did not take everything
  AtTurnsEnd at_turns_end_{*this};
  AfterDelay after_delay_{*this};
};

}  // namespace parley::edge
