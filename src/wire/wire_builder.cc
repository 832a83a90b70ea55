#include "wire/wire_builder.h"

#include "base/assert.h"

namespace parley::wire {

void WireBuilder::close() {
  LengthPrefix& prefix = prefixes_[current_];
  const uint32_t length = size() - prefix.position - 1 + (inserted_ - prefix.value);
  const uint32_t parent = prefix.parent;
  if (length < 0x80) {
    // Those inside were shorter still and are gone: this is the last of the list.
    out_.base()[prefix.position] = static_cast<char>(length);
    prefixes_.pop_back();
  } else {
    prefix.value = length;
    inserted_ += static_cast<uint32_t>(varint_size(length) - 1);
  }
  current_ = parent;
}

void WireBuilder::finish() {
  PARLEY_ASSERT(current_ == kNone);
  const size_t written = size();
  out_.advance(out_.room(inserted_) + inserted_);
  char* source_end = out_.base() + written;
  char* target = source_end + inserted_;
  for (size_t i = prefixes_.size(); i-- > 0;) {
    char* const content = out_.base() + prefixes_[i].position + 1;
    const auto count = static_cast<size_t>(source_end - content);
    target -= count;
    std::memmove(target, content, count);
    target -= varint_size(prefixes_[i].value);
    put_varint(target, prefixes_[i].value);
    source_end = content - 1;
  }
  out_.commit();
}

}  // namespace parley::wire
