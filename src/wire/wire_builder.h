#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "wire/output_cursor.h"
#include "wire/wire_format.h"

namespace parley::wire {

// A length prefix that is not known yet, or that needs more than the one byte kept for it.
struct LengthPrefix {
  uint32_t position;  // of the byte that is kept
  uint32_t parent;    // the prefix around it, as an index; kNone
  uint32_t value;     // while open: the inserted bytes before it; when closed: the length
};

// Writes wire bytes behind the content of a buffer. Lengths come before their content, and a
// message's length is only known at its end: one byte is kept for each; the few lengths that need
// more are noted, and one last pass over the output moves the parts in between to their places.
//
// Legal calls: ( room advance | open | close | mark | rewind )* ( finish | abandon ), each `open`
// closed. Output is held below 4 GiB by the callers' limits.
class WireBuilder {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // `scratch` is memory to work in.
  WireBuilder(ByteBuffer& out, std::vector<LengthPrefix>& scratch) : out_(out), prefixes_(scratch) {
    prefixes_.clear();
  }

  // As OutputCursor's.
  char* room(size_t count) { return out_.room(count); }
  void advance(char* to) { out_.advance(to); }
  void bytes(std::string_view content) { out_.append(content); }
  void varint(uint64_t value) { out_.advance(put_varint(out_.room(kVarintMax), value)); }

  void open() {
    prefixes_.push_back({size(), current_, inserted_});
    current_ = static_cast<uint32_t>(prefixes_.size() - 1);
    out_.put(0);
  }
  void close();

  // A place to come back to. REQUIRES: nothing that was open then has been closed since.
  struct Mark {
    size_t size;
    size_t prefixes;
    uint32_t current;
    uint32_t inserted;
  };
  Mark mark() const { return {out_.size(), prefixes_.size(), current_, inserted_}; }
  void rewind(const Mark& mark) {
    out_.truncate(mark.size);
    prefixes_.resize(mark.prefixes);
    current_ = mark.current;
    inserted_ = mark.inserted;
  }

  const char* base() const { return out_.base(); }
  uint32_t size() const { return static_cast<uint32_t>(out_.size()); }

  void finish();
  void abandon() { out_.abandon(); }

 private:
  OutputCursor out_;
  std::vector<LengthPrefix>& prefixes_;
  uint32_t current_ = kNone;  // the innermost open prefix
  uint32_t inserted_ = 0;     // bytes that closed prefixes need beyond the kept ones
};

}  // namespace parley::wire
