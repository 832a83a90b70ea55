#include "http/http1_lines.h"

#include <cstring>

#include <fmt/format.h>

#include "base/ascii.h"
#include "http/syntax.h"

namespace parley::http {

std::optional<std::string_view> Http1Lines::next(Bytes& input) {
  if (given_) {
    partial_ = {};
    given_ = false;
  }
  const void* found = std::memchr(input.data(), '\n', input.size());
  if (!found) {
    if (!input.empty()) partial_.append(input.view());
    input = {};
    return std::nullopt;
  }
  const auto size = static_cast<size_t>(static_cast<const char*>(found) - input.data());
  std::string_view line = input.view().substr(0, size);
  if (!partial_.empty()) {
    partial_.append(line);
    given_ = true;
    line = partial_.view();
  }
  input.remove_prefix(size + 1);
  return line;
}

Failure malformed(std::string_view where, std::string_view what) {
  Failure failure(Reason::RequestMalformed, fmt::format("{}: {}", where, what));
  failure.from(Origin::Client);
  return failure;
}

std::string byte_text(char c) {
  return fmt::format("byte 0x{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
}

namespace {

// Why a line without a name and a colon is none.
std::string name_problem(std::string_view line, size_t name_size) {
  if (line.empty() || line.front() == ':') return "no name before the colon";
  if (line.front() == ' ' || line.front() == '\t') return "it starts with a space (obs-fold)";
  if (name_size == line.size()) return "no colon";
  if (line[name_size] == ' ' || line[name_size] == '\t') {
    const size_t colon = line.find_first_not_of(" \t", name_size);
    if (colon != std::string_view::npos && line[colon] == ':') return "space before the colon";
  }
  return byte_text(line[name_size]) + " in the name";
}

}  // namespace

Result<FieldLine> parse_field_line(std::string_view line, std::string_view what, uint32_t number) {
  const auto fail = [&](std::string_view why) {
    return malformed(fmt::format("{} {}", what, number), why);
  };
  if (!line.ends_with('\r')) return fail("bare LF");
  line.remove_suffix(1);
  const size_t name_size = token_length(line);
  if (name_size == 0 || name_size == line.size() || line[name_size] != ':') {
    return fail(name_problem(line, name_size));
  }
  const std::string_view value = trim_ows(line.substr(name_size + 1));
  const size_t wrong = find_invalid_in_value(value);
  if (wrong != std::string_view::npos) return fail(byte_text(value[wrong]) + " in the value");
  return FieldLine{line.substr(0, name_size), value};
}

}  // namespace parley::http
