#include "observe/access_record.h"

#include <cstring>

#include "observe/log_text.h"

namespace parley::observe {
namespace {

std::string_view without_query(std::string_view path) { return path.substr(0, path.find('?')); }

// Fills with spaces what was written since `start` up to `width`, to the left or right of it.
void pad_after(ByteBuffer& out, size_t start, size_t width) {
  const size_t written = out.size() - start;
  if (written >= width) return;
  std::memset(out.spare(width - written), ' ', width - written);
  out.commit(width - written);
}
void pad_before(ByteBuffer& out, size_t start, size_t width) {
  const size_t written = out.size() - start;
  if (written >= width) return;
  const size_t missing = width - written;
  (void)out.spare(missing);
  char* const text = out.data() + start;
  std::memmove(text + missing, text, written);
  std::memset(text, ' ', missing);
  out.commit(missing);
}

void column(ByteBuffer& out, std::string_view text, size_t width, size_t bytes_max) {
  const size_t start = out.size();
  append_escaped(out, text.empty() ? "-" : text, Escape::Column, bytes_max);
  pad_after(out, start, width);
  out.append(' ');
}

void number_column(ByteBuffer& out, uint64_t number, size_t width) {
  const size_t start = out.size();
  append_number(out, number);
  pad_before(out, start, width);
  out.append(' ');
}

void duration_column(ByteBuffer& out, Duration duration, size_t width) {
  const size_t start = out.size();
  append_short_duration(out, duration);
  pad_before(out, start, width);
  out.append(' ');
}

// Writes the members of one JSON object.
class JsonMembers {
 public:
  explicit JsonMembers(ByteBuffer& out) : out_(out) {}

  void text(std::string_view name, std::string_view value, size_t bytes_max = kNameBytesMax) {
    if (value.empty()) return;
    key(name);
    out_.append('"');
    append_escaped(out_, value, Escape::Json, bytes_max);
    out_.append('"');
  }
  void number(std::string_view name, uint64_t value) {
    key(name);
    append_number(out_, value);
  }
  void key(std::string_view name) {
    out_.append(first_ ? "{\"" : ",\"");
    first_ = false;
    out_.append(name);
    out_.append("\":");
  }

 private:
  ByteBuffer& out_;
  bool first_ = true;
};

}  // namespace

void render_text(const AccessRecord& record, ByteBuffer& out) {
  append_time(out, record.time);
  out.append(' ');
  column(out, record.client, 15, kNameBytesMax);
  column(out, record.verb, 6, kNameBytesMax);
  if (record.status == 0) {
    column(out, "", 3, kNameBytesMax);
  } else {
    number_column(out, record.status, 3);
  }
  column(out, record.code_known ? code_row(record.code).name : "", 16, kNameBytesMax);
  duration_column(out, record.duration, 7);
  number_column(out, record.request_bytes, 7);
  number_column(out, record.response_bytes, 7);
  column(out, without_query(record.path), 1, kPathBytesMax);
  column(out, record.method, 1, kNameBytesMax);
  column(out, record.endpoint, 1, kNameBytesMax);
  append_escaped(out, record.request_id.empty() ? "-" : record.request_id, Escape::Column,
                 kNameBytesMax);
  if (record.reset) out.append(" reset");
  if (!record.reason.empty()) {
    out.append(' ');
    append_escaped(out, record.reason, Escape::Rest, kReasonBytesMax);
  }
  out.append('\n');
}

void render_json(const AccessRecord& record, ByteBuffer& out) {
  JsonMembers members(out);
  members.key("time");
  out.append('"');
  append_time(out, record.time);
  out.append('"');
  members.text("client", record.client);
  members.text("http", record.http);
  members.text("verb", record.verb);
  members.text("path", without_query(record.path), kPathBytesMax);
  members.text("protocol", record.protocol);
  members.text("method", record.method);
  members.text("route", record.route);
  if (record.status != 0) members.number("status", record.status);
  if (record.code_known) members.text("code", code_row(record.code).name);
  members.number("request_bytes", record.request_bytes);
  members.number("response_bytes", record.response_bytes);
  members.key("duration_ms");
  append_milliseconds(out, record.duration);
  members.text("endpoint", record.endpoint);
  members.text("request_id", record.request_id);
  if (record.reset) {
    members.key("reset");
    out.append("true");
  }
  members.text("limit", record.limit);
  members.text("reason", record.reason, kReasonBytesMax);
  out.append("}\n");
}

}  // namespace parley::observe
