#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "contract/load.h"
#include "contract/proto_files.h"
#include "door/settings.h"
#include "edge/settings.h"
#include "gateway/place.h"
#include "http/exchange.h"
#include "net/address_range.h"
#include "net/tls_settings.h"
#include "upstream/settings.h"

namespace parley::gateway {

// What a listener answers.
struct Serve {
  bool api = true;         // the upstreams' exposed methods
  bool health = true;      // grpc.health.v1.Health
  bool reflection = true;  // grpc.reflection
  bool admin = false;      // /healthz, /readyz, /metrics
  // Nothing for clients: their limits do not hold here.
  bool for_operators() const { return admin && !api; }
  friend bool operator==(const Serve&, const Serve&) = default;
};

struct ListenerSettings {
  std::string address = "127.0.0.1:8080";  // as net::Address::parse takes it
  Serve serve;
  net::TlsServerSettings tls;
  // Addresses that begin every connection with a PROXY header, and only they may connect; empty:
  // none does.
  std::vector<net::AddressRange> proxy_from;
  Duration proxy_timeout = std::chrono::seconds(10);  // from connecting to the header's end
  edge::ForwardedSettings forwarded;
  edge::HstsSettings hsts;
  Place place;
  FilePlaces file_places;   // of `tls`
  uint16_t https_port = 0;  // every request is sent there, and nothing is served; 0: no
};

// Which methods of an upstream clients may call, through every door (design: nothing is exposed by
// accident).
struct Expose {
  enum class Mode : uint8_t {
    Default,  // all behind loopback listeners; an error behind others
    All,
    Annotated,  // those with a google.api.http rule, in the contract or the config
    Selectors,
  };
  Mode mode = Mode::Default;
  std::vector<std::string> selectors;  // "shop.v1.Orders.*", "shop.v1.Orders.Get"
};

struct UpstreamSettings {
  upstream::Settings connection;  // its `name` names the upstream
  Expose expose;
  // Where the contract comes from; neither: server reflection.
  contract::ProtoFiles proto;
  std::string descriptor_set;
  FilePlaces file_places;  // of all of these and of the connection's `tls`
};

// What is said about some methods. Selectors merge setting by setting, the most specific wins.
struct MethodOverride {
  std::string selector;  // "shop.v1.*", "shop.v1.Orders.Create", "*"
  std::optional<Duration> timeout;
  std::optional<uint32_t> message_bytes_max;
  std::optional<door::OnUnknown> unknown_query;
  std::optional<door::OnUnknown> unknown_json;
  std::optional<bool> presence_set_only;
  std::optional<bool> int64_numbers;
  std::optional<bool> enum_numbers;
  std::optional<bool> proto_names;
  std::optional<bool> unknown_any_as_base64;
  std::optional<uint16_t> depth_max;
  std::optional<uint32_t> query_parameters_max;
  std::optional<bool> hide_upstream_detail;
  std::optional<Duration> stream_status_wait;
};

// All that `parley serve` needs to know.
struct Settings {
  std::vector<ListenerSettings> listeners = {ListenerSettings{}};
  std::string admin = "127.0.0.1:8081";  // "off": none
  Place admin_place;
  edge::HostSettings admin_hosts;
  std::vector<UpstreamSettings> upstreams;
  Place upstreams_place;
  std::vector<contract::ConfiguredRule> rules;  // http: rules:
  std::vector<MethodOverride> methods;
  door::Settings door;
  http::Settings http;
  uint32_t threads = 0;               // shards; 0: the cores that this process may use
  uint32_t connections_max = 65'536;  // client connections, over all shards
  // The same, of one client address; of IPv6 addresses the first 64 bits count. 0: no limit, for
  // behind a balancer all clients may share one address.
  uint32_t connections_per_address_max = 0;
  edge::LogSettings log;
  Duration drain_delay{};  // after SIGTERM, for balancers to see it; still accepting
  Duration drain_timeout = std::chrono::seconds(30);      // after that, for calls that run
  Duration drain_idle_timeout = std::chrono::seconds(5);  // meanwhile, idle HTTP/1.1 connections
  // Where a new process asks this one for its listening sockets, and takes over; empty: nowhere.
  std::string upgrade_socket;
  Duration upgrade_timeout = std::chrono::seconds(30);  // for the new process to be ready
  Duration reflection_retry = std::chrono::seconds(2);
  Duration reflection_interval = std::chrono::minutes(5);  // upstreams are asked again
  bool reload_on_change = true;  // of the files that settings and contracts come from
};

}  // namespace parley::gateway
