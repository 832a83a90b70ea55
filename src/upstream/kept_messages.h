#pragma once

#include <vector>

#include "call/call.h"

namespace parley::upstream {

// Messages that can be sent again: keeps what was read, up to a limit, until told that it won't be
// needed.
class KeptMessages final : public call::Messages {
 public:
  // `source` is borrowed.
  KeptMessages(call::Messages& source, size_t bytes_max) : source_(source), bytes_max_(bytes_max) {}

  loop::Task<Result<std::optional<call::MessagePart>>> next() override;
  bool replayable(size_t limit) const override { return kept_all_ && bytes_ <= limit; }
  void rewind() override { at_ = 0; }

  // The upstream has begun to answer: nothing is kept any more.
  void release();

 private:
  void keep(const call::MessagePart& part);

  call::Messages& source_;
  const size_t bytes_max_;
  std::optional<call::MessagePart> only_;  // the usual case
  std::vector<call::MessagePart> more_;
  size_t at_ = 0;  // parts that were given since the start or the last rewind
  size_t bytes_ = 0;
  bool kept_all_ = true;
  bool ended_ = false;
};

}  // namespace parley::upstream
