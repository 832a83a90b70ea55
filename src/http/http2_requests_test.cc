#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include "http/http2_fake.h"
#include "http/server.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"
#include "net/net_fake.h"

namespace parley::http {
namespace {

using loop::Task;

constexpr const char* kTable = "src/http/testdata/http2_requests.txt";

std::string escaped(std::string_view text) {
  if (text.size() > 80) return fmt::format("{}... ({} bytes)", text.substr(0, 20), text.size());
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    result += byte < 0x20 || byte > 0x7E || c == '\\' ? fmt::format("\\x{:02X}", byte)
                                                      : std::string(1, c);
  }
  return result;
}

// \xHH, and \{N*C} for N times the character C.
std::string unescaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    size_t number = 0;
    if (text.starts_with("\\x")) {
      std::from_chars(text.data() + 2, text.data() + 4, number, 16);
      result += static_cast<char>(number);
      text.remove_prefix(4);
    } else if (text.starts_with("\\{")) {
      const size_t star = text.find('*');
      std::from_chars(text.data() + 2, text.data() + star, number);
      result.append(number, text[star + 1]);
      text.remove_prefix(star + 3);
    } else {
      result += text[0];
      text.remove_prefix(1);
    }
  }
  return result;
}

// Tells what it sees of a request: of the whole of it, and of refusals.
class Witness final : public ExchangeService {
 public:
  std::string seen;

  Task<void> serve(Exchange& exchange) override {
    const RequestHead& head = exchange.request();
    std::string said =
        fmt::format("{} {} @{}", head.verb(), escaped(head.target()), head.authority());
    add_fields(said, head.fields);
    std::string body;
    for (;;) {
      auto chunk = co_await exchange.read();
      if (!chunk) {
        seen = fmt::format("{} then {}", said, text_of(chunk.error()));
        co_return;
      }
      if (chunk->empty()) break;
      body += chunk->view();
    }
    if (!body.empty()) said += fmt::format(" body \"{}\"", escaped(body));
    if (!exchange.trailers().empty()) said += " then";
    add_fields(said, exchange.trailers());
    seen = said;
    exchange.begin({200, {}}, true);
  }

  Task<void> refuse(Exchange& exchange, Failure failure) override {
    seen = text_of(failure);
    exchange.begin({failure.http_status(), {}}, true);
    co_return;
  }

 private:
  static void add_fields(std::string& to, const Fields& fields) {
    for (const Field field : fields) {
      if (!is_pseudo(field.id))
        to += fmt::format(" [{}: {}]", escaped(field.name), escaped(field.value));
    }
  }
  static std::string text_of(const Failure& failure) {
    return fmt::format("{} {}{}{}", failure.http_status(), failure.message(),
                       failure.limit_name().empty() ? "" : " ", failure.limit_name());
  }
};

// The lines of one case: fields, `> ` DATA, `+ ` trailers.
struct Case {
  std::vector<std::string> input;
  std::string expected;

  std::string frames() const {
    std::string head;
    std::string trailers;
    std::vector<std::string> data;
    for (const std::string& line : input) {
      if (line.starts_with("> ")) {
        data.push_back(unescaped(std::string_view(line).substr(2)));
      } else if (line.starts_with("+ ")) {
        trailers += field(std::string_view(line).substr(2));
      } else {
        head += field(line);
      }
    }
    const auto last = [](bool ends) { return static_cast<uint8_t>(ends ? kEndStream : 0); };
    std::string all = headers(1, head, last(data.empty() && trailers.empty()));
    for (size_t i = 0; i < data.size(); ++i)
      all += frame(NGHTTP2_DATA, last(i + 1 == data.size() && trailers.empty()), 1, data[i]);
    if (!trailers.empty()) all += headers(1, trailers, kEndStream);
    return all;
  }

 private:
  static std::string field(std::string_view line) {
    const size_t colon = line.find(": ", 1);
    return literal(unescaped(line.substr(0, colon)), unescaped(line.substr(colon + 2)));
  }
};

std::string result_of(const Case& one) {
  Settings settings;
  settings.header_bytes_max = 1024;
  settings.header_count_max = 8;
  settings.url_bytes_max = 64;
  loop::FakeLoop fake;
  Drain drain(fake.loop);
  Witness witness;
  const ServerContext context{fake.loop, witness, settings, drain};
  loop::TaskSet server(fake.loop);
  auto [ours, theirs] = net::memory_pair(fake.loop);
  server.spawn(serve_http2(std::move(theirs), {}, context));
  net::MemoryPeer peer(std::move(ours));
  peer.send(std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0) + one.frames());
  fake.loop.run_until_idle();
  std::vector<std::string> said;
  if (!witness.seen.empty()) said.push_back(witness.seen);
  for (const Frame& seen : frames_of(peer.received())) {
    if (seen.type == NGHTTP2_RST_STREAM)
      said.push_back(fmt::format("reset {}", nghttp2_http2_strerror(seen.number(0))));
    if (seen.type == NGHTTP2_GOAWAY)
      said.push_back(fmt::format("goaway {}", nghttp2_http2_strerror(seen.number(4))));
  }
  return said.empty() ? "nothing" : fmt::format("{}", fmt::join(said, ", "));
}

TEST(Http2Requests, are_read_as_the_table_says) {
  std::ifstream file(kTable);
  ASSERT_TRUE(file) << kTable;
  std::string written;
  Case one;
  size_t cases = 0;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.starts_with("-> ")) {
      one.expected = line.substr(3);
      const std::string result = result_of(one);
      EXPECT_EQ(result, one.expected) << kTable << ":" << number;
      written += "-> " + result + "\n";
      one = {};
      ++cases;
      continue;
    }
    written += line + "\n";
    if (!line.empty() && line[0] != '#') one.input.push_back(line);
  }
  EXPECT_GE(cases, 90u);
  if (std::getenv("PARLEY_UPDATE")) std::ofstream(kTable) << written;
}

}  // namespace
}  // namespace parley::http
