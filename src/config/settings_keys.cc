#include "config/settings_keys.h"

#include <array>
#include <chrono>

#include "config/tls.h"

namespace parley::config {
namespace {

using namespace std::chrono_literals;
using gateway::ListenerSettings;
using gateway::Serve;
using gateway::Settings;

// `serve: [api, health]`: what is listed is served, and nothing else.
Key<ListenerSettings> serve_key() {
  struct Part {
    std::string_view name;
    bool Serve::* member;
  };
  static constexpr std::array<Part, 4> kParts = {{{"api", &Serve::api},
                                                  {"health", &Serve::health},
                                                  {"reflection", &Serve::reflection},
                                                  {"admin", &Serve::admin}}};
  static constexpr std::array<std::string_view, 4> kNames = {"api", "health", "reflection",
                                                             "admin"};
  return {"serve",
          [](Reader& reader, const Node& node, ListenerSettings& target) {
            if (!reader.expect(node, Node::Kind::List, "serve")) return;
            target.serve = {.api = false, .health = false, .reflection = false, .admin = false};
            for (const Node& item : node.items) {
              const std::string* text = reader.word(item, "serve");
              if (!text) continue;
              const auto part =
                  std::ranges::find_if(kParts, [&](const Part& one) { return one.name == *text; });
              if (part != kParts.end())
                target.serve.*part->member = true;
              else
                reader.error(item.at, "serve", no_choice(*text, kNames));
            }
            if (node.items.empty())
              reader.error(node.at, "serve: the list is empty", "name what is served, as in [api]");
          },
          [](const ListenerSettings&) -> std::vector<Row> {
            return {{"serve", "list of " + choices_text(kNames), "[api, health, reflection]",
                     "What the listener answers: the upstreams' exposed methods, "
                     "`grpc.health.v1.Health`, server reflection, and `/healthz`, `/readyz`, "
                     "`/metrics`."}};
          }};
}

Keys<edge::HstsSettings> hsts_keys() {
  using edge::HstsSettings;
  return {
      one("max_age", &HstsSettings::max_age, duration(0s, 24h * 3650),
          "How long clients remember; `0s`: nothing is said. `8760h` is a year."),
      one("subdomains", &HstsSettings::subdomains, yes_or_no(),
          "Whether it holds for all names below, too."),
      one("preload", &HstsSettings::preload, yes_or_no(),
          "Whether browsers may put the name on their built-in lists."),
  };
}

Keys<edge::ForwardedSettings> forwarded_keys() {
  using edge::ForwardedSettings;
  return {
      one("header", &ForwardedSettings::header,
          choice<ForwardedSettings::Header>(
              {{"x-forwarded-for", ForwardedSettings::Header::XForwardedFor},
               {"forwarded", ForwardedSettings::Header::Forwarded}}),
          "The field that the proxies write. The other one is not read."),
      several("trusted", &ForwardedSettings::trusted, address_range(),
              "Addresses of proxies that are believed."),
      one("trusted_hops", &ForwardedSettings::trusted_hops, count<uint32_t>(1, 32),
          "How many proxies there are, instead of their addresses."),
  };
}

// The same key, which also notes where its value stands.
Key<Settings> placed(Key<Settings> key, gateway::Place Settings::* place) {
  key.read = [read = std::move(key.read), place](Reader& reader, const Node& node,
                                                 Settings& settings) {
    const Node* address = node.find("address");
    settings.*place = reader.place((address ? *address : node).at);
    read(reader, node, settings);
  };
  return key;
}

Key<ListenerSettings> proxy_protocol_key() {
  return group<ListenerSettings>(
      "proxy_protocol",
      {several("from", &ListenerSettings::proxy_from, address_range(),
               "Where the balancers are; nobody else may connect then."),
       one("timeout", &ListenerSettings::proxy_timeout, duration(1ms, 10min),
           "How long the header may take.")},
      "Every connection begins with a header of the PROXY protocol, version 1 or 2. A word stands "
      "for `from`.",
      "from");
}

bool is_empty_list(const Node& node) { return node.kind == Node::Kind::List && node.items.empty(); }

// A listener that is to take balancers' connections only must say which they are: without one it
// would take everyone's, and without the header.
void check_proxy_protocol(Reader& reader, const Node& node) {
  const Node* from = node.kind == Node::Kind::Map ? node.find("from") : &node;
  if (!from)
    reader.missing_key(node.at, "proxy_protocol", "from");
  else if (is_empty_list(*from))
    reader.error(from->at, "proxy_protocol: no balancer is named in `from`",
                 "name them, as in [10.0.0.0/8], or remove `proxy_protocol`");
}

void check_forwarded(Reader& reader, const Node& node, const edge::ForwardedSettings& forwarded) {
  if (node.kind != Node::Kind::Map) return;  // a problem already
  const Node* trusted = node.find("trusted");
  const bool hops = node.find("trusted_hops");
  if (forwarded.trusted_hops > 0 && !forwarded.trusted.empty())
    reader.error(node.at, "forwarded: `trusted` and `trusted_hops` are two rules",
                 "keep one of them");
  if (!hops && (!trusted || is_empty_list(*trusted)))
    reader.error(trusted ? trusted->at : node.at, "forwarded: it does not say who is believed",
                 "write `trusted: [10.0.0.0/8]` or `trusted_hops: 1`, or remove `forwarded`");
}

// What does not go together, and what says only half.
void check_layers(Reader& reader, const Node& node, const ListenerSettings& listener) {
  const bool tls = node.find("tls");
  const Node* forwarded = node.find("forwarded");
  // Proxies that are believed say whether clients came by HTTPS.
  if (const Node* hsts = node.find("hsts"); hsts && !tls && !forwarded)
    reader.error(
        hsts->at, "hsts: this listener speaks no TLS, and clients would not believe it",
        "move it to the listener that has `tls`, or say in `forwarded` which proxy has it");
  if (const Node* redirect = node.find("redirect_to_https"); redirect && tls)
    reader.error(redirect->at, "redirect_to_https: this listener speaks HTTPS itself",
                 "move it to the listener without `tls`");
  if (const Node* proxy = node.find("proxy_protocol")) check_proxy_protocol(reader, *proxy);
  if (forwarded) check_forwarded(reader, *forwarded, listener.forwarded);
}

Elements<ListenerSettings> listener_elements() {
  return {{one("address", &ListenerSettings::address, listen_address(),
               "Where clients connect: `127.0.0.1:8080`, `[::1]:8080`, `0.0.0.0:8080`, "
               "`unix:/path`. Port 0 chooses a free one."),
           serve_key(),
           section("tls", &ListenerSettings::tls, tls_server_keys(),
                   "TLS 1.2 and 1.3, with HTTP/2 and HTTP/1.1 by ALPN; see docs/tls.md. Without it "
                   "the listener speaks none."),
           section("hsts", &ListenerSettings::hsts, hsts_keys(),
                   "`strict-transport-security` on every answer: clients come by HTTPS only from "
                   "then on. A word stands for `max_age`.",
                   "max_age"),
           one("redirect_to_https", &ListenerSettings::https_port, count<uint16_t>(1, 65535),
               "Serve nothing, and send every request to HTTPS on this port (308)."),
           proxy_protocol_key(),
           section("forwarded", &ListenerSettings::forwarded, forwarded_keys(),
                   "Whom requests are from when proxies stand between; see docs/tls.md. Without it "
                   "the client is the peer.")},
          "address",
          {},
          [](Reader& reader, const Node& node, ListenerSettings& listener) {
            const Node* address = node.find("address");
            listener.place = reader.place((address ? *address : node).at);
            if (node.kind == Node::Kind::Map && !node.find("address"))
              reader.missing_key(node.at, "listeners", "address");
            if (const Node* tls = node.find("tls")) {
              check_tls(reader, *tls, listener.tls);
              note_tls_files(reader, *tls, listener.file_places);
            }
            check_layers(reader, node, listener);
          }};
}

Keys<edge::LogSettings> log_keys() {
  using edge::LogSettings;
  return {
      one("format", &LogSettings::format, log_format(), "How a request's line is written."),
      one("buffer_bytes", &LogSettings::buffer_bytes, bytes<uint32_t>(64 * kKiB, kGiB),
          "Lines that wait for the terminal or pipe, in each thread; what is beyond is dropped and "
          "counted."),
  };
}

Key<Settings> admin_key() {
  Keys<Settings> keys = {one("address", &Settings::admin, admin_address(),
                             "Where `/healthz`, `/readyz` and `/metrics` are.")};
  append(keys, &Settings::admin_hosts,
         {several("hosts", &edge::HostSettings::names, host_name(),
                  "Names in `Host` that it answers to, beyond loopback and its own address.")});
  return placed(
      group("admin", std::move(keys),
            "What Parley tells about itself. A word stands for `address`. Limits of clients do "
            "not hold there: no `timeout`, no `message_bytes_max`, and `http` has its "
            "defaults.",
            "address"),
      &Settings::admin_place);
}

Key<Settings> http_key() {
  Keys<Settings> keys;
  append(keys, &Settings::http, http_keys());
  keys.push_back(
      list("rules", &Settings::rules, rule_elements(),
           "HTTP rules, as `google.api.Http` has them in a service config. They take the "
           "place of a method's own annotation."));
  return group("http", std::move(keys), "Clients' connections, HTTP/1.1 and HTTP/2.");
}

}  // namespace

Keys<Settings> settings_keys() {
  Keys<Settings> keys = {
      list("listeners", &Settings::listeners, listener_elements(),
           "Where clients connect. A word stands for an `address`."),
      placed(named("upstreams", &Settings::upstreams, upstream_elements(), "NAME",
                   "The gRPC services, by name. A word or a list stands for `endpoints`."),
             &Settings::upstreams_place),
      named("methods", &Settings::methods, method_elements(), "SELECTOR",
            "Settings of some methods, by selector: `shop.v1.*`, `shop.v1.Orders`, "
            "`shop.v1.Orders.Create`. For each setting the longest selector wins."),
  };
  append(keys, &Settings::door, door_keys());
  keys.push_back(http_key());
  keys.push_back(admin_key());
  keys.push_back(section("log", &Settings::log, log_keys(),
                         "The access log on standard output. A word stands for `format`.",
                         "format"));
  keys.push_back(one("threads", &Settings::threads, threads(), "How many threads serve."));
  keys.push_back(one("connections_max", &Settings::connections_max, count<uint32_t>(1, 10'000'000),
                     "Client connections, over all threads."));
  keys.push_back(
      one("connections_per_address_max", &Settings::connections_per_address_max,
          count<uint32_t>(0, 10'000'000),
          "Client connections from one address (IPv6: from one /64), over all threads; behind "
          "`proxy_protocol` from the one that its header names. 0: no limit, as it must be where "
          "a balancer's address stands for all clients."));
  keys.push_back(one("drain_delay", &Settings::drain_delay, duration(0s, 1h),
                     "After SIGTERM, how long new connections are still taken while `/readyz` says "
                     "503 already: as long as balancers need to see it."));
  keys.push_back(one("drain_timeout", &Settings::drain_timeout, duration(0s, 1h),
                     "After `drain_delay`, how long running calls may take to finish."));
  keys.push_back(one("drain_idle_timeout", &Settings::drain_idle_timeout, duration(0s, 1h),
                     "After `drain_delay`, how long an idle HTTP/1.1 connection stays open for one "
                     "more request, whose answer says `Connection: close`; and how long one that "
                     "has said nothing yet, or is in its handshake, has for that."));
  keys.push_back(one("upgrade_socket", &Settings::upgrade_socket, text("path"),
                     "A Unix socket by which a new process with the same setting takes over from "
                     "the one that runs, listening sockets and all, without losing a request."));
  keys.push_back(one("upgrade_timeout", &Settings::upgrade_timeout, duration(1s, 1h),
                     "How long the new process may take until it has its contracts; after that "
                     "the old one goes on."));
  keys.push_back(one("reflection_retry", &Settings::reflection_retry, duration(100ms, 10min),
                     "How long to wait before an upstream is asked for its contract again."));
  keys.push_back(one("reflection_interval", &Settings::reflection_interval, duration(1s, 24h),
                     "How often upstreams are asked again whether their contract has changed. They "
                     "are asked anyway when an endpoint is connected to anew."));
  keys.push_back(one("reload_on_change", &Settings::reload_on_change, yes_or_no(),
                     "Read settings, contracts and certificates again when one of their files "
                     "changes, and not by SIGHUP alone."));
  return keys;
}

}  // namespace parley::config
