#include "gateway/gateway.h"

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "contract/contract_fake.h"
#include "upstream/upstream_fake.h"

namespace parley::gateway {
namespace {

constexpr std::string_view kProto = R"(
  syntax = "proto3"; package t.v1;
  import "google/api/annotations.proto";
  message M { string s = 1; }
  service Echo { rpc Say(M) returns (M) { option (google.api.http) = { post: "/v1/say" body: "*" }; } })";

// A gRPC server on a real socket, in a thread of its own.
class EchoServer {
 public:
  EchoServer()
      : poller_(loop::make_epoll_poller()),
        loop_(clock_, *poller_),
        network_(net::make_socket_network(loop_)),
        server_(std::make_unique<upstream::FakeGrpcServer>(loop_, *network_,
                                                           net::Address::loopback(0))),
        address_(server_->address().text()),
        thread_([this] {
          loop_.run();
          server_.reset();
        }) {}
  ~EchoServer() {
    loop_.stop();
    thread_.join();
  }
  const std::string& address() const { return address_; }

 private:
  SystemClock clock_;
  std::unique_ptr<loop::Poller> poller_;
  loop::Loop loop_;
  std::unique_ptr<net::Network> network_;
  std::unique_ptr<upstream::FakeGrpcServer> server_;
  const std::string address_;
  std::thread thread_;
};

// The answer to one HTTP/1.1 request on a connection of its own; empty when nobody listens.
std::string ask(const std::string& address, const std::string& request) {
  const net::Address to = *net::Address::parse(address);
  const int descriptor = socket(to.family(), SOCK_STREAM, 0);
  std::string answer;
  if (connect(descriptor, to.get(), to.size()) == 0 &&
      send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t size; (size = recv(descriptor, buffer, sizeof buffer, 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(size));
    }
  }
  close(descriptor);
  return answer;
}

std::string get(const std::string& address, const std::string& path) {
  return ask(address, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

class GatewayTest : public testing::Test {
 protected:
  GatewayTest() {
    settings.listeners = {{.address = "127.0.0.1:0", .serve = {}}};
    settings.admin = "127.0.0.1:0";
    settings.threads = 3;
    settings.connections_max = 100;  // which any machine has descriptors for
    settings.log.format = edge::LogFormat::Off;
    settings.drain_timeout = std::chrono::seconds(5);
  }
  ~GatewayTest() override {
    if (gateway) stop();
    for (const std::string& path : files) unlink(path.c_str());
  }

  void add_upstream(const std::string& address) {
    UpstreamSettings upstream;
    upstream.connection.name = "echo" + std::to_string(settings.upstreams.size());
    upstream.connection.endpoints = {address};
    upstream.descriptor_set = descriptor_set(kProto);
    settings.upstreams.push_back(upstream);
  }

  // A file with the contract as `protoc --include_imports --descriptor_set_out` would write it.
  std::string descriptor_set(std::string_view proto) {
    std::string path = testing::TempDir() + "/gateway_test." + std::to_string(getpid()) + "." +
                       std::to_string(files.size());
    std::ofstream out(path, std::ios::binary);
    for (const std::string& file :
         contract::source_from_files({{"t.proto", std::string(proto)}}).files) {
      out.put('\x0A');
      for (size_t size = file.size();; size >>= 7) {
        out.put(static_cast<char>(size < 128 ? size : (size & 127) | 128));
        if (size < 128) break;
      }
      out << file;
    }
    files.push_back(path);
    return path;
  }

  std::vector<contract::Problem> start() {
    gateway.emplace(settings, Host{.say = [](const std::string&) {},
                                   .complain = {},
                                   .published = {},
                                   .load = {},
                                   .files = {},
                                   .command = {}});
    auto problems = gateway->start();
    if (!contract::has_errors(problems)) {
      thread = std::thread([this] { status = gateway->run(); });
    }
    return problems;
  }
  void stop() {
    if (thread.joinable()) {
      gateway->stop();
      thread.join();
    }
    gateway.reset();
  }
  std::string api() const { return gateway->addresses()[0]; }
  std::string admin() const { return gateway->addresses()[1]; }

  Settings settings;
  std::vector<std::string> files;
  std::optional<Gateway> gateway;
  std::thread thread;
  std::atomic<int> status = -1;
};

const std::string kSay =
    "POST /v1/say HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
    "10\r\nConnection: close\r\n\r\n"
    "{\"s\":\"hi\"}";

TEST_F(GatewayTest, serves_on_every_shard_and_stops_clean) {
  EchoServer server;
  add_upstream(server.address());
  ASSERT_TRUE(start().empty());
  for (int i = 0; i < 30; ++i) {
    const std::string answer = ask(api(), kSay);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
    EXPECT_TRUE(answer.ends_with("{\"s\":\"hi\"}")) << answer;
  }
  std::string metrics = get(admin(), "/metrics");
  EXPECT_NE(metrics.find("parley_requests_total{method=\"t.v1.Echo.Say\",protocol=\"rest\",status="
                         "\"200\",code=\"OK\"} 30"),
            std::string::npos)
      << metrics;
  stop();
  EXPECT_EQ(status, 0);
}

TEST_F(GatewayTest, answers_503_with_the_reason_while_the_upstream_is_down) {
  add_upstream("127.0.0.1:1");
  ASSERT_TRUE(start().empty());
  const std::string answer = ask(api(), kSay);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  const std::string ready = get(admin(), "/readyz");
  EXPECT_TRUE(ready.starts_with("HTTP/1.1 503")) << ready;
  EXPECT_TRUE(get(admin(), "/healthz").starts_with("HTTP/1.1 200"));
}

TEST_F(GatewayTest, keeps_the_admin_off_the_api_listener) {
  add_upstream("127.0.0.1:1");
  ASSERT_TRUE(start().empty());
  EXPECT_TRUE(get(api(), "/metrics").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(ask(admin(), kSay).starts_with("HTTP/1.1 404"));
}

TEST_F(GatewayTest, the_admin_listener_answers_to_its_own_names_only) {
  add_upstream("127.0.0.1:1");
  ASSERT_TRUE(start().empty());
  const std::string answer =
      ask(admin(), "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403")) << answer;
}

TEST_F(GatewayTest, limits_of_clients_do_not_hold_for_operators) {
  add_upstream("127.0.0.1:1");
  settings.door.message_bytes_max = 1024;
  settings.door.timeout = std::chrono::nanoseconds(1);
  settings.door.metadata.reject_invalid = true;
  settings.http.header_count_max = 2;
  ASSERT_TRUE(start().empty());
  const std::string answer = ask(admin(),
                                 "GET /metrics HTTP/1.1\r\nHost: localhost\r\nA: a\r\nB: \xfc\r\n"
                                 "Connection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_GT(answer.size(), 1024U);
  EXPECT_TRUE(get(api(), "/").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(ask(api(), kSay).starts_with("HTTP/1.1 431"));
}

TEST_F(GatewayTest, names_a_port_that_is_taken) {
  add_upstream("127.0.0.1:1");
  ASSERT_TRUE(start().empty());
  const std::string taken = api();
  Settings second = settings;
  second.listeners[0].address = taken;
  Gateway other(second, Host{.say = [](const std::string&) {},
                             .complain = {},
                             .published = {},
                             .load = {},
                             .files = {},
                             .command = {}});
  const auto problems = other.start();
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].text().find(taken), std::string::npos) << problems[0].text();
  EXPECT_NE(problems[0].text().find("in use"), std::string::npos) << problems[0].text();
}

TEST_F(GatewayTest, refuses_to_start_with_the_same_service_twice) {
  add_upstream("127.0.0.1:1");
  add_upstream("127.0.0.1:2");
  const auto problems = start();
  ASSERT_TRUE(contract::has_errors(problems));
}

}  // namespace
}  // namespace parley::gateway
