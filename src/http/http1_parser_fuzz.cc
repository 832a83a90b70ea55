#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "http/http1_body.h"
#include "http/http1_lines.h"
#include "http/http1_parser.h"
#include "http/syntax.h"

// The first byte says into chunks of which size the rest is cut: whatever it is, the parser must
// read the same as from one chunk.
namespace {

using namespace std::string_view_literals;
using parley::Bytes;

class Reading {
 public:
  Reading(std::string_view input, size_t step) : input_(input), step_(step) {
    while (read_request()) parser_.next();
  }
  std::string seen;

 private:
  bool more() {
    if (input_.empty()) return false;
    chunk_ = Bytes::copy(input_.substr(0, step_));
    input_.remove_prefix(std::min(step_, input_.size()));
    return true;
  }
  bool note(const parley::Failure& failure) {
    seen += failure.message();
    return false;
  }
  bool read_request() {
    parley::http::RequestHead head;
    head.fields = parley::Fields(parley::http::Http1Parser::head_limits(settings_));
    for (;;) {
      auto whole = parser_.parse_head(chunk_, head);
      if (!whole) return note(whole.error());
      if (*whole) break;
      if (!more()) return false;
    }
    check(head);
    for (;;) {
      auto part = parser_.parse_body(chunk_);
      if (!part) return note(part.error());
      if (*part && (*part)->empty()) return note_fields(parser_.body().trailers());
      if (*part) seen += (*part)->view();
      if (!*part && !more()) return false;
    }
  }
  bool note_fields(const parley::Fields& fields) {
    for (const parley::Field field : fields) {
      seen.append(field.name).append(":").append(field.value).append("\n");
    }
    return true;
  }
  // What everything behind the parser relies on.
  void check(const parley::http::RequestHead& head) {
    PARLEY_ASSERT(parley::http::is_token(head.verb()));
    PARLEY_ASSERT(head.authority().empty() || parley::http::is_authority(head.authority()));
    PARLEY_ASSERT(head.target() == "*" ||
                  parley::http::find_invalid_in_target(head.target()) == std::string_view::npos);
    for (const parley::Field field : head.fields) {
      PARLEY_ASSERT(parley::http::find_invalid_in_value(field.value) == std::string_view::npos);
      PARLEY_ASSERT(field.id != parley::FieldId::Host);
    }
    note_fields(head.fields);
  }

  parley::http::Settings settings_{
      .header_bytes_max = 512, .header_count_max = 8, .url_bytes_max = 64};
  parley::http::Http1Parser parser_{settings_, "http"sv};
  std::string_view input_;
  size_t step_;
  Bytes chunk_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const Reading whole(input, input.size());
  const Reading cut(input, size_t{data[0]} % 16 + 1);
  PARLEY_ASSERT(whole.seen == cut.seen);
  return 0;
}
