#include "edge/log_sink.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "observe/access_record.h"

namespace parley::edge {

LogSink::LogSink(loop::Loop& loop, std::unique_ptr<LogOutput> output, const LogSettings& settings,
                 observe::Counter& dropped)
    : loop_(loop),
      output_(std::move(output)),
      settings_(settings),
      buffer_bytes_max_(std::max<size_t>(settings.buffer_bytes, observe::kLineBytesMax)),
      dropped_(dropped) {}

void LogSink::configure(const LogSettings& settings) {
  settings_ = settings;
  buffer_bytes_max_ = std::max<size_t>(settings.buffer_bytes, observe::kLineBytesMax);
}

LogSink::~LogSink() { write_out(); }

ByteBuffer* LogSink::begin_line() {
  if (output_->broken() || waiting_.size() + observe::kLineBytesMax > buffer_bytes_max_) {
    dropped_.add();
    return nullptr;
  }
  return &waiting_;
}

void LogSink::end_line() {
  if (!after_delay_.linked()) loop_.add_timer(after_delay_, deadline_after(loop_.now(), kDelay));
  const size_t enough = std::min(kFlushBytes, buffer_bytes_max_ / 2);
  if (waiting_.size() >= enough && !stuck_) loop_.flush_later(at_turns_end_);
}

void LogSink::write_out() {
  after_delay_.unlink();
  if (waiting_.empty()) return;
  drop_front(output_->write(waiting_.view()));
  if (output_->broken()) {
    const std::string_view lost = waiting_.view();
    dropped_.add(static_cast<uint64_t>(std::count(lost.begin(), lost.end(), '\n')));
    waiting_.clear();
  }
  stuck_ = !waiting_.empty();
  if (stuck_) loop_.add_timer(after_delay_, deadline_after(loop_.now(), kDelay));
}

void LogSink::drop_front(size_t count) {
  const size_t left = waiting_.size() - count;
  if (count > 0 && left > 0) std::memmove(waiting_.data(), waiting_.data() + count, left);
  waiting_.truncate(left);
}

}  // namespace parley::edge
