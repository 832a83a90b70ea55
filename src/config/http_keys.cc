#include <array>
#include <chrono>

#include <fmt/format.h>

#include "config/settings_keys.h"
#include "contract/path_template.h"

namespace parley::config {
namespace {

using namespace std::chrono_literals;
using contract::ConfiguredRule;

struct Pattern {
  std::string_view key;
  std::string_view verb;
};
constexpr std::array<Pattern, 5> kPatterns = {
    {{"get", "GET"}, {"put", "PUT"}, {"post", "POST"}, {"delete", "DELETE"}, {"patch", "PATCH"}}};

Word<std::string> path_template() {
  Word<std::string> word = text("template");
  word.read = [](std::string_view text) -> Read<std::string> {
    Arena arena;
    const auto parsed = contract::PathTemplate::parse(text, arena);
    if (parsed) return std::string(text);
    return std::unexpected(Wrong{fmt::format("`{}`: {}", text, parsed.error().message()),
                                 "write a path such as /v1/users/{user_id}"});
  };
  return word;
}

Word<std::string> method_name() {
  Word<std::string> word = selector();
  word.type = "method";
  word.read = [read = word.read](std::string_view text) -> Read<std::string> {
    if (text.find('*') == std::string_view::npos) return read(text);
    return std::unexpected(Wrong{fmt::format("`{}` is no method", text),
                                 "write one name, such as shop.v1.Orders.Create"});
  };
  return word;
}

// `get: /v1/users/{user_id}`
Key<ConfiguredRule> pattern_key(const Pattern& pattern) {
  Key<ConfiguredRule> key = one(std::string(pattern.key), &ConfiguredRule::path, path_template(),
                                fmt::format("Answer {} at this path.", pattern.verb));
  key.read = [read = key.read, verb = pattern.verb](Reader& reader, const Node& node,
                                                    ConfiguredRule& rule) {
    rule.verb = verb;
    read(reader, node, rule);
  };
  return key;
}

Keys<ConfiguredRule> binding_keys() {
  Keys<ConfiguredRule> keys;
  for (const Pattern& pattern : kPatterns) keys.push_back(pattern_key(pattern));
  keys.push_back(
      group<ConfiguredRule>("custom",
                            {one("kind", &ConfiguredRule::verb, verb(), "The verb."),
                             one("path", &ConfiguredRule::path, path_template(), "The path.")},
                            "Answer another verb (`kind`, `*` for every one) at a path: `{kind: "
                            "QUERY, path: /v1/users}`."));
  keys.push_back(one("body", &ConfiguredRule::body, text("field"),
                     "The field that the body fills; `*`: the whole message."));
  keys.push_back(one("response_body", &ConfiguredRule::response_body, text("field"),
                     "The field of the answer that becomes the body."));
  return keys;
}

void begin(Reader& reader, Position at, const std::string&, ConfiguredRule& rule) {
  rule.file = reader.file();
  rule.line = at.line;
  rule.column = at.column;
}

// One pattern, as the oneof in google/api/http.proto has it.
void check_pattern(Reader& reader, const Node& node) {
  if (node.kind != Node::Kind::Map) return;
  size_t patterns = node.find("custom") ? 1 : 0;
  for (const Pattern& pattern : kPatterns) patterns += node.find(pattern.key) ? 1u : 0u;
  if (patterns == 1) return;
  reader.error(node.at, patterns == 0 ? "the rule has no path" : "the rule has more than one path",
               patterns == 0 ? "write one of get, put, post, delete, patch, custom"
                             : "move the others into `additional_bindings`");
}

Elements<ConfiguredRule> additional_elements() {
  return {binding_keys(), "", begin,
          [](Reader& reader, const Node& node, ConfiguredRule&) { check_pattern(reader, node); }};
}

}  // namespace

Elements<ConfiguredRule> rule_elements() {
  Keys<ConfiguredRule> keys = {
      one("selector", &ConfiguredRule::selector, method_name(), "The method's full name.")};
  for (Key<ConfiguredRule>& key : binding_keys()) keys.push_back(std::move(key));
  Key<ConfiguredRule> more = list("additional_bindings", &ConfiguredRule::additional,
                                  additional_elements(), std::string());
  more.rows = [](const ConfiguredRule&) -> std::vector<Row> {
    return {{"additional_bindings", "list", "",
             "More rules of the method, with the keys above but for `selector`."}};
  };
  keys.push_back(std::move(more));
  return {std::move(keys), "", begin, [](Reader& reader, const Node& node, ConfiguredRule&) {
            check_pattern(reader, node);
            if (node.kind == Node::Kind::Map && !node.find("selector"))
              reader.missing_key(node.at, "rules", "selector");
          }};
}

Keys<http::Settings> http_keys() {
  using http::Settings;
  return {
      one("header_bytes_max", &Settings::header_bytes_max, bytes<uint32_t>(kKiB, 16 * kMiB),
          "The header of a request: the sum of name, value and 32 over all fields."),
      one("header_count_max", &Settings::header_count_max, count<uint32_t>(8, 10'000),
          "The fields of a request's header."),
      one("url_bytes_max", &Settings::url_bytes_max, bytes<uint32_t>(256, kMiB),
          "The path and query of a request."),
      one("streams_max", &Settings::streams_max, count<uint32_t>(1, 100'000),
          "HTTP/2: requests at once on a connection."),
      one("stream_window_bytes", &Settings::stream_window_bytes, bytes<uint32_t>(16 * kKiB, kGiB),
          "HTTP/2: what a client may send ahead on one request."),
      one("write_buffer_bytes", &Settings::write_buffer_bytes, bytes<uint32_t>(4 * kKiB, kGiB),
          "What waits to be sent on one request before its upstream is held."),
      one("resets_max", &Settings::resets_max, count<uint32_t>(1, 1'000'000),
          "HTTP/2: requests that a client may cancel in ten seconds, beside half of all that it "
          "makes in them, before its connection ends. Also how many answers it may ever leave "
          "untaken for `write_timeout`, beside half of those that it takes whole."),
      one("overhead_frames_max", &Settings::overhead_frames_max, count<uint32_t>(10, 10'000'000),
          "HTTP/2: frames that carry nothing of a message (PING, SETTINGS, WINDOW_UPDATE, empty "
          "DATA, DATA that goes on for long after its stream was reset ...) in ten seconds, beside "
          "three for each that does."),
      one("continuation_frames_max", &Settings::continuation_frames_max, count<uint32_t>(1, 10'000),
          "HTTP/2: CONTINUATION frames of one header. A frame carries 16 KiB."),
      one("control_frames_queued_max", &Settings::control_frames_queued_max,
          count<uint32_t>(10, 1'000'000),
          "HTTP/2: answers to PING, SETTINGS and the like that a client leaves unread."),
      one("requests_per_connection_max", &Settings::requests_per_connection_max,
          count<uint32_t>(0, 1'000'000'000),
          "The requests of one connection, which then ends in peace (`Connection: close`, GOAWAY); "
          "0: no limit."),
      one("header_timeout", &Settings::header_timeout, duration(1ms, 1h),
          "From the connection to a request's first byte (HTTP/2: to the end of the client's "
          "preface and SETTINGS), and from a header's first byte to its end."),
      one("body_timeout", &Settings::body_timeout, duration(1ms, 1h),
          "Between two pieces of a request's body, unless the method streams requests."),
      one("body_rate_min", &Settings::body_rate_min, count<uint32_t>(0, 1'000'000'000),
          "Bytes a second that a request's body must keep up with, and a client with its answer: "
          "one that is behind by `body_timeout`, or `write_timeout`, fails. 0: no limit."),
      one("keep_alive_timeout", &Settings::keep_alive_timeout, duration(1ms, 24h),
          "HTTP/1.1: from an answer to the next request. Behind a balancer more than its own."),
      one("idle_timeout", &Settings::idle_timeout, duration(1ms, 24h),
          "HTTP/2: a connection without any request, whatever else it sends."),
      one("write_timeout", &Settings::write_timeout, duration(1ms, 1h),
          "A client that takes nothing of its answer, or is so far behind `body_rate_min`."),
      one("half_close_is_gone", &Settings::half_close_is_gone, yes_or_no(),
          "Whether a client that closes its side before the answer is complete has gone."),
  };
}

}  // namespace parley::config
