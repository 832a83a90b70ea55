#include "http/http1_parser.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace parley::http {
namespace {

constexpr const char* kTable = "src/http/testdata/http1_requests.txt";

// The limits that the table's cases trip.
Settings table_settings() {
  Settings settings;
  settings.header_bytes_max = 1024;
  settings.header_count_max = 8;
  settings.url_bytes_max = 256;
  return settings;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      result += "\\r";
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\\') {
      result += "\\\\";
    } else if (byte < 0x20 || byte > 0x7E) {
      result += fmt::format("\\x{:02X}", static_cast<unsigned>(byte));
    } else {
      result += c;
    }
  }
  return result;
}

// \r \n \t \\ \xHH, and \{N*TEXT} for N times TEXT.
std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      result += text[at];
      continue;
    }
    const char kind = text[++at];
    if (kind == 'r') result += '\r';
    if (kind == 'n') result += '\n';
    if (kind == 't') result += '\t';
    if (kind == '\\') result += '\\';
    if (kind == 'x') {
      unsigned byte = 0;
      std::from_chars(text.data() + at + 1, text.data() + at + 3, byte, 16);
      result += static_cast<char>(byte);
      at += 2;
    }
    if (kind == '{') {
      const size_t star = text.find('*', at);
      const size_t close = text.find('}', star);
      size_t count = 0;
      std::from_chars(text.data() + at + 1, text.data() + star, count);
      const std::string part = unescaped(text.substr(star + 1, close - star - 1));
      for (size_t i = 0; i < count; ++i) result += part;
      at = close;
    }
  }
  return result;
}

std::string shortened(std::string text) {
  if (text.size() > 80) text = fmt::format("{}... ({} bytes)", text.substr(0, 20), text.size());
  return text;
}

std::string fields_text(const Fields& fields) {
  std::string text;
  for (const Field field : fields) {
    if (is_pseudo(field.id)) continue;
    text += fmt::format(" [{}: {}]", field.name, shortened(escaped(field.value)));
  }
  return text;
}

// Reads requests from `input` in chunks of `step` bytes and tells what it saw, a line a request.
class Reading {
 public:
  Reading(std::string_view input, size_t step, const Settings& settings)
      : settings_(settings), parser_(settings, "http"), input_(input), step_(step) {
    while (!failed_ && (read_head() && read_body())) finish_request();
    if (!failed_ && (parser_.begun() || !chunk_.empty())) lines_.push_back("incomplete");
  }
  std::string text() const { return fmt::format("{}", fmt::join(lines_, "\n")); }

 private:
  bool more() {
    if (at_ == input_.size()) return false;
    const size_t size = std::min(step_, input_.size() - at_);
    chunk_ = Bytes::copy(input_.substr(at_, size));
    at_ += size;
    return true;
  }
  bool fail(const Failure& failure) {
    failed_ = true;
    lines_.push_back(fmt::format("{} {}{}{}", failure.http_status(), failure.message(),
                                 failure.limit_name().empty() ? "" : " ", failure.limit_name()));
    return false;
  }
  bool read_head() {
    head_ = {};
    head_.fields = Fields(Http1Parser::head_limits(settings_));
    for (;;) {
      const Result<bool> whole = parser_.parse_head(chunk_, head_);
      if (!whole) return fail(whole.error());
      if (*whole) return true;
      if (!more()) return false;
    }
  }
  bool read_body() {
    body_.clear();
    for (;;) {
      const Result<std::optional<Bytes>> part = parser_.parse_body(chunk_);
      if (!part) return fail(part.error());
      if (*part && (*part)->empty()) return true;
      if (*part) {
        body_ += (*part)->view();
      } else if (!more()) {
        return false;
      }
    }
  }
  void finish_request() {
    const Http1Head& about = parser_.head();
    std::string line = fmt::format("{} {} @{} {}", head_.verb(), head_.target(), head_.authority(),
                                   version_text(about.version).substr(5));
    if (!about.keep_alive) line += " close";
    if (about.upgrade) line += " upgrade";
    if (about.accepts_trailers) line += " trailers";
    if (about.expects_continue) line += " continue";
    if (about.expects_other) line += " expects";
    if (about.chunked) line += " chunked";
    line += fields_text(head_.fields);
    if (about.has_body()) line += fmt::format(" body \"{}\"", shortened(escaped(body_)));
    const std::string trailers = fields_text(parser_.body().trailers());
    if (!trailers.empty()) line += " then" + trailers;
    lines_.push_back(line);
    parser_.next();
  }

  const Settings& settings_;
  Http1Parser parser_;
  std::string_view input_;
  size_t step_;
  size_t at_ = 0;
  Bytes chunk_;
  RequestHead head_;
  std::string body_;
  std::vector<std::string> lines_;
  bool failed_ = false;
};

struct Case {
  size_t line = 0;
  std::string input;
  std::string expected;
};

// Cases stand between empty lines: lines of input, joined, then "-> RESULT", one a request.
std::vector<Case> read_cases(std::vector<std::string>& source) {
  std::ifstream file(kTable);
  std::vector<Case> cases;
  bool open = false;
  for (std::string line; std::getline(file, line);) {
    source.push_back(line);
    if (line.empty() || line.starts_with('#')) {
      open = false;
      continue;
    }
    if (!open) cases.push_back({.line = source.size()});
    open = true;
    Case& last = cases.back();
    if (line.starts_with("-> ")) {
      last.expected += (last.expected.empty() ? "" : "\n") + line.substr(3);
    } else {
      last.input += unescaped(line);
    }
  }
  return cases;
}

void rewrite(const std::vector<std::string>& source, const std::vector<std::string>& results) {
  std::ofstream file(kTable);
  size_t next = 0;
  bool open = false;
  const auto close = [&] {
    if (!open) return;
    std::istringstream lines(results[next++]);
    for (std::string line; std::getline(lines, line);) file << "-> " << line << '\n';
    open = false;
  };
  for (const std::string& line : source) {
    if (line.empty() || line.starts_with('#')) close();
    if (line.starts_with("-> ")) continue;
    if (!line.empty() && !line.starts_with('#')) open = true;
    file << line << '\n';
  }
  close();
}

TEST(Http1Parser, reads_the_table_as_expected_however_it_is_cut) {
  const Settings settings = table_settings();
  std::vector<std::string> source;
  const std::vector<Case> cases = read_cases(source);
  ASSERT_GE(cases.size(), 500u) << "run from the root of the checkout";
  std::vector<std::string> results;
  for (const Case& one : cases) {
    const std::string result = Reading(one.input, one.input.size(), settings).text();
    EXPECT_EQ(result, one.expected) << kTable << ':' << one.line;
    for (const size_t step : {1u, 2u, 7u}) {
      EXPECT_EQ(Reading(one.input, step, settings).text(), result)
          << kTable << ':' << one.line << " in chunks of " << step;
    }
    results.push_back(result);
  }
  if (std::getenv("PARLEY_UPDATE")) rewrite(source, results);
}

}  // namespace
}  // namespace parley::http
