#include <chrono>

#include <fmt/format.h>

#include "config/expose.h"
#include "config/settings_keys.h"
#include "config/tls.h"

namespace parley::config {
namespace {

using namespace std::chrono_literals;
using gateway::UpstreamSettings;

Keys<http::ClientSettings> client_keys() {
  using http::ClientSettings;
  return {
      one("header_bytes_max", &ClientSettings::header_bytes_max, bytes<uint32_t>(kKiB, 16 * kMiB),
          "The header of an answer: the sum of name, value and 32 over all fields."),
      one("header_count_max", &ClientSettings::header_count_max, count<uint32_t>(8, 10'000),
          "The fields of an answer's header."),
      one("stream_window_bytes", &ClientSettings::stream_window_bytes,
          bytes<uint32_t>(16 * kKiB, kGiB), "What the upstream may send ahead on one call."),
      one("connection_window_bytes", &ClientSettings::connection_window_bytes,
          bytes<int32_t>(64 * kKiB, kGiB), "The same over all calls of a connection."),
      one("write_buffer_bytes", &ClientSettings::write_buffer_bytes,
          bytes<uint32_t>(4 * kKiB, kGiB), "What waits to be sent on one call before it is held."),
      one("interim_heads_max", &ClientSettings::interim_heads_max, count<uint32_t>(1, 10'000),
          "Interim responses (1xx) before one answer."),
      one("overhead_frames_max", &ClientSettings::overhead_frames_max,
          count<uint32_t>(10, 10'000'000), "As `http.overhead_frames_max`, of the upstream."),
      one("continuation_frames_max", &ClientSettings::continuation_frames_max,
          count<uint32_t>(1, 10'000), "As `http.continuation_frames_max`, of an answer's header."),
      one("control_frames_queued_max", &ClientSettings::control_frames_queued_max,
          count<uint32_t>(10, 1'000'000),
          "Answers to PING and SETTINGS that the upstream leaves unread."),
      one("ping_interval", &ClientSettings::ping_interval, duration(10s, 24h),
          "How often a connection with open calls is tried. gRPC servers refuse more than they "
          "allow; their default is 5 minutes."),
      one("ping_timeout", &ClientSettings::ping_timeout, duration(100ms, 10min),
          "A ping without an answer for so long ends the connection."),
  };
}

Keys<upstream::Settings> address_keys() {
  using upstream::Settings;
  return {
      several("endpoints", &Settings::endpoints, endpoint(),
              "Where the service is: `host:50051`, `https://host:50051` for TLS, "
              "`dns:///host:50051`, `unix:/path`. Calls go round over all of them."),
      one("authority", &Settings::authority, text("name"),
          "`:authority` of calls; without it the first endpoint as it is written."),
  };
}

Keys<upstream::Settings> connection_keys() {
  using upstream::Settings;
  Keys<Settings> keys = {
      one("connections_max", &Settings::connections_max, count<uint32_t>(1, 10'000),
          "Connections to one endpoint, in each thread; more than one when streams run out."),
      one("pending_max", &Settings::pending_max, count<uint32_t>(1, 1'000'000),
          "Calls that wait for a stream, in each thread."),
      one("replay_bytes_max", &Settings::replay_bytes_max, bytes<uint32_t>(0, kGiB),
          "Of a request, what is kept for another attempt until the upstream begins to answer."),
      one("metadata_bytes_max", &Settings::metadata_bytes_max, bytes<uint32_t>(kKiB, 16 * kMiB),
          "The header of a request, where the upstream names no limit of its own."),
      one("connect_timeout", &Settings::connect_timeout, duration(1ms, 10min),
          "How long connecting may take."),
      one("backoff_first", &Settings::backoff_first, duration(1ms, 1h),
          "The pause after a connection failed; it grows with each failure."),
      one("backoff_max", &Settings::backoff_max, duration(1ms, 1h), "The longest such pause."),
      one("resolve_interval", &Settings::resolve_interval, duration(1s, 24h),
          "How often names are looked up again."),
  };
  append(keys, &Settings::http, client_keys());
  return keys;
}

Key<UpstreamSettings> expose_key() {
  return {"expose",
          [](Reader& reader, const Node& node, UpstreamSettings& target) {
            if (node.kind != Node::Kind::Word && !reader.expect(node, Node::Kind::List, "expose"))
              return;
            std::vector<std::string_view> words;
            for (const Node& item : node.items) {
              const std::string* word = reader.word(item, "expose");
              if (!word) return;
              words.push_back(*word);
            }
            if (node.kind == Node::Kind::Word) words.push_back(node.word);
            Read<gateway::Expose> read = read_expose(words);
            if (read)
              target.expose = *std::move(read);
            else
              reader.error(node.at, "expose", std::move(read).error());
          },
          [](const UpstreamSettings&) -> std::vector<Row> {
            return {{"expose", "`all`, `annotated`, or list of selector", "",
                     "Which methods clients may call, through every door. Without it all of them "
                     "behind loopback listeners; behind others that is an error."}};
          }};
}

Key<UpstreamSettings> contract_key() {
  Keys<UpstreamSettings> keys;
  append(keys, &UpstreamSettings::proto,
         {several("proto", &contract::ProtoFiles::files, text("path"),
                  "`.proto` files, as `protoc` takes them."),
          several("include", &contract::ProtoFiles::includes, text("path"),
                  "Folders to find them and what they import in.")});
  keys.push_back(one("descriptor_set", &UpstreamSettings::descriptor_set, text("path"),
                     "A `FileDescriptorSet`, with all imports."));
  return group("contract", std::move(keys),
               "Where the contract comes from; without it from the service itself, by server "
               "reflection. Paths are relative to this file.");
}

// Paths that are written relative to the file. A .proto file may be named relative to an include
// folder instead, where there is one.
void place_paths(const Reader& reader, UpstreamSettings& upstream) {
  for (std::string& folder : upstream.proto.includes) folder = reader.beside(folder);
  for (std::string& file : upstream.proto.files) {
    std::error_code ignored;
    std::string beside = reader.beside(file);
    const bool nowhere_else =
        upstream.proto.includes.empty() && !std::filesystem::exists(file, ignored);
    if (nowhere_else || std::filesystem::exists(beside, ignored)) file = std::move(beside);
  }
  if (!upstream.descriptor_set.empty())
    upstream.descriptor_set = reader.beside(upstream.descriptor_set);
}

void note_files(const Reader& reader, const Node& contract, UpstreamSettings& upstream) {
  const auto note = [&](const Node& word, const std::string& path) {
    upstream.file_places[path] = reader.place(word.at);
  };
  if (const Node* set = contract.find("descriptor_set")) note(*set, upstream.descriptor_set);
  const Node* proto = contract.find("proto");
  if (!proto) return;
  const std::vector<std::string>& files = upstream.proto.files;
  if (proto->kind == Node::Kind::Word && files.size() == 1) note(*proto, files.front());
  // Of unequal size: what is no path there is an error.
  for (size_t i = 0; i < files.size() && files.size() == proto->items.size(); ++i)
    note(proto->items[i], files[i]);
}

void begin(Reader& reader, Position at, const std::string& name, UpstreamSettings& upstream) {
  upstream.connection.name = name;
  if (is_upstream_name(name)) return;
  reader.error(at, fmt::format("`{}` cannot name an upstream", name),
               "use letters, digits, `-`, `_` and `.`");
}

void check(Reader& reader, const Node& node, UpstreamSettings& upstream) {
  const std::string& name = upstream.connection.name;
  if (node.kind == Node::Kind::Map && !node.find("endpoints"))
    reader.missing_key(node.at, "upstream " + name, "endpoints");
  if (const Node* endpoints = node.find("endpoints");
      endpoints && endpoints->kind == Node::Kind::List && endpoints->items.empty())
    reader.error(endpoints->at, fmt::format("upstream {} has no endpoint", name),
                 "write `endpoints: [host:50051]`");
  if (const Node* contract = node.find("contract");
      contract && contract->find("proto") && contract->find("descriptor_set"))
    reader.error(contract->at, fmt::format("upstream {} has two contracts", name),
                 "write either `proto` or `descriptor_set`");
  if (upstream.connection.backoff_first > upstream.connection.backoff_max)
    reader.error(node.at, fmt::format("upstream {}: backoff_first is above backoff_max", name),
                 "raise backoff_max");
  if (const Node* tls = node.find("tls")) {
    check_tls(reader, *tls, upstream.connection.tls);
    note_tls_files(reader, *tls, upstream.file_places);
  }
  if (auto wrong = take_scheme(upstream.connection))
    reader.error(node.at, "endpoints", *std::move(wrong));
  place_paths(reader, upstream);
  if (const Node* contract = node.find("contract")) note_files(reader, *contract, upstream);
}

}  // namespace

Elements<UpstreamSettings> upstream_elements() {
  Keys<UpstreamSettings> keys;
  append(keys, &UpstreamSettings::connection, address_keys());
  keys.push_back(expose_key());
  keys.push_back(contract_key());
  Keys<upstream::Settings> tls = {section(
      "tls", &upstream::Settings::tls, tls_client_keys(),
      "TLS to the service, with HTTP/2 by ALPN; `{}` for all defaults, or `https://` before "
      "its endpoints. Without it connections are in clear text.")};
  append(keys, &UpstreamSettings::connection, tls);
  append(keys, &UpstreamSettings::connection, connection_keys());
  return {std::move(keys), "endpoints", begin, check};
}

}  // namespace parley::config
