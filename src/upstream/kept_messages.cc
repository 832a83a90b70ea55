#include "upstream/kept_messages.h"

namespace parley::upstream {

loop::Task<Result<std::optional<call::MessagePart>>> KeptMessages::next() {
  if (kept_all_) {
    if (at_ == 0 && only_) {
      at_ = 1;
      co_return std::optional(*only_);
    }
    if (at_ > 0 && at_ - 1 < more_.size()) co_return std::optional(more_[at_++ - 1]);
  }
  if (ended_) co_return std::optional<call::MessagePart>();
  CO_TRY(part, co_await source_.next());
  if (part) {
    keep(*part);
  } else {
    ended_ = true;
  }
  co_return std::move(part);
}

void KeptMessages::keep(const call::MessagePart& part) {
  if (!kept_all_) return;
  bytes_ += part.data.size() + sizeof part;  // empty messages take memory too
  if (bytes_ > bytes_max_) {
    release();
    return;
  }
  if (!only_) {
    only_ = part;
  } else {
    more_.push_back(part);
  }
  ++at_;
}

void KeptMessages::release() {
  kept_all_ = false;
  only_.reset();
  more_.clear();
}

}  // namespace parley::upstream
