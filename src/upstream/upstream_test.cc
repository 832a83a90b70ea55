#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "base/base64.h"
#include "contract/contract_fake.h"
#include "upstream/cluster.h"
#include "upstream/grpc_caller.h"
#include "upstream/grpc_status.h"
#include "upstream/kept_messages.h"
#include "upstream/upstream_fake.h"
#include "wire/frame.h"
#include "wire/rpc_status.h"

namespace parley::upstream {
namespace {

using loop::FakeLoop;
using loop::Task;
using loop::TaskSet;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kProto = R"(
  syntax = "proto3"; package t.v1;
  message M { string s = 1; }
  service S {
    rpc Unary(M) returns (M);
    rpc Chat(stream M) returns (stream M);
  })";

class Upstream : public testing::Test {
 protected:
  Upstream() { settings.name = "t", settings.endpoints = {"10.0.0.1:50051"}; }

  void start() {
    cluster.emplace(fake.loop, network, resolver, settings), caller.emplace(*cluster),
        fake.loop.run_until_idle();
  }

  struct Run {
    call::Call call;
    std::optional<ReadyMessages> requests;
    KeptReplies replies;
    std::optional<call::Outcome> outcome;
  };
  static Task<void> perform(GrpcCaller& caller, Run& run) {
    run.outcome = co_await caller.serve(run.call, run.replies);
  }
  std::unique_ptr<Run> call(std::vector<std::string> messages,
                            std::string_view path = "/t.v1.S/Unary") {
    auto run = std::make_unique<Run>();
    run->call.method = contract.find_method(path);
    run->requests.emplace(std::move(messages));
    run->call.requests = &*run->requests;
    tasks.spawn(perform(*caller, *run));
    fake.loop.run_until_idle();
    return run;
  }

  // A call that crosses a GOAWAY: its stream is above the last one that counts. There is another
  // endpoint to go to.
  std::unique_ptr<Run> refused_unseen(std::string message) {
    second.emplace(fake.loop, network, second_address);
    settings.endpoints = {"10.0.0.1:50051", "10.0.0.2:50051"};
    start();
    EXPECT_TRUE(call({"m"})->outcome->ok());
    EXPECT_TRUE(call({"m"})->outcome->ok());
    net::MemoryWire& wire = *network.wires[0];
    wire.forth.stall();
    wire.back.stall();
    server->drain.start(seconds(5));
    fake.advance(seconds(2));  // the second GOAWAY has left, which names the last stream
    auto run = call({std::move(message)});
    EXPECT_FALSE(run->outcome);
    wire.back.resume();
    wire.forth.resume();
    fake.advance(milliseconds(500));
    return run;
  }

  FakeLoop fake;
  net::MemoryNetwork network{fake.loop};
  net::MemoryResolver resolver;
  net::Address address = *net::Address::parse("10.0.0.1:50051");
  net::Address second_address = *net::Address::parse("10.0.0.2:50051");
  std::optional<FakeGrpcServer> server{std::in_place, fake.loop, network, address};
  std::optional<FakeGrpcServer> second;
  contract::Contract contract = contract::contract_from(kProto);
  Settings settings;
  std::optional<Cluster> cluster;
  std::optional<GrpcCaller> caller;
  TaskSet tasks{fake.loop};
};

std::string framed(std::string_view message) {
  const auto header = wire::frame_header(0, static_cast<uint32_t>(message.size()));
  return std::string(header.data(), header.size()) + std::string(message);
}

TEST_F(Upstream, calls_and_answers) {
  start();
  auto run = call({"hello"});
  ASSERT_TRUE(run->outcome);
  EXPECT_TRUE(run->outcome->ok());
  EXPECT_EQ(run->replies.messages, std::vector<std::string>{"hello"});
  ASSERT_EQ(server->asked.size(), 1u);
  EXPECT_EQ(server->asked[0].path, "/t.v1.S/Unary");
  EXPECT_EQ(server->asked[0].body, framed("hello"));
  EXPECT_EQ(server->asked[0].head.find(FieldId::Te), "trailers");
  EXPECT_EQ(run->call.notes.endpoint, "10.0.0.1:50051");
}

TEST_F(Upstream, passes_metadata_and_the_time_that_remains) {
  start();
  auto run = std::make_unique<Run>();
  run->call.method = contract.find_method("/t.v1.S/Unary");
  run->call.metadata.add("x-tenant", "blue");
  run->call.deadline = fake.clock.now() + milliseconds(1500);
  run->requests.emplace(std::vector<std::string>{"m"});
  run->call.requests = &*run->requests;
  server->script = [](const http::RequestHead&) {
    Script script;
    script.head.add("x-served-by", "one");
    script.trailers.add(FieldId::GrpcStatus, "0");
    script.trailers.add("x-cost", "3");
    return script;
  };
  tasks.spawn(perform(*caller, *run));
  fake.loop.run_until_idle();
  ASSERT_TRUE(run->outcome);
  EXPECT_EQ(server->asked[0].head.find("x-tenant"), "blue");
  EXPECT_EQ(server->asked[0].head.find(FieldId::GrpcTimeout), "1500000u");
  EXPECT_EQ(run->replies.head->find("x-served-by"), "one");
  EXPECT_EQ(run->outcome->trailers.find("x-cost"), "3");
  EXPECT_EQ(run->outcome->trailers.find(FieldId::GrpcStatus), std::nullopt);
}

TEST_F(Upstream, streams_both_ways) {
  start();
  auto run = call({"one", "two", std::string(300'000, 'x')}, "/t.v1.S/Chat");
  ASSERT_TRUE(run->outcome && run->outcome->ok());
  ASSERT_EQ(run->replies.messages.size(), 3u);
  EXPECT_EQ(run->replies.messages[2].size(), 300'000u);
  EXPECT_GT(run->replies.parts, 3u) << "large messages are not assembled";
}

// Half of a message, and then nothing.
class HalfMessage final : public call::Messages {
 public:
  explicit HalfMessage(loop::Loop& loop) : never_(loop) {}
  Task<Result<std::optional<call::MessagePart>>> next() override {
    if (std::exchange(given_, true)) co_await never_.wait();
    call::MessagePart half = call::whole_message(Bytes::copy("half"));
    half.total = 8;
    half.last = false;
    co_return std::optional(std::move(half));
  }

 private:
  loop::Signal never_;
  bool given_ = false;
};

TEST_F(Upstream, hears_an_answer_that_does_not_wait_for_the_request) {
  server->script = [](const http::RequestHead&) {
    Script script{.trailers_only = true};
    script.trailers.add(FieldId::GrpcStatus, "8");
    return script;
  };
  start();
  HalfMessage half(fake.loop);
  Run run;
  run.call.method = contract.find_method("/t.v1.S/Unary");
  run.call.requests = &half;
  tasks.spawn(perform(*caller, run));
  fake.loop.run_until_idle();
  ASSERT_TRUE(run.outcome && run.outcome->failure);
  EXPECT_EQ(run.outcome->failure->code(), Code::ResourceExhausted);
}

TEST_F(Upstream, keeps_secrets_out_of_header_compression) {
  start();
  auto run = std::make_unique<Run>();
  run->call.method = contract.find_method("/t.v1.S/Unary");
  ASSERT_TRUE(run->call.metadata.append("x-key", "secret", true));
  run->requests.emplace(std::vector<std::string>{"m"});
  run->call.requests = &*run->requests;
  tasks.spawn(perform(*caller, *run));
  fake.loop.run_until_idle();
  ASSERT_EQ(server->asked.size(), 1u);
  for (const Field field : server->asked[0].head) {
    if (field.name == "x-key") EXPECT_TRUE(field.never_index);
  }
}

TEST_F(Upstream, reads_status_message_and_details) {
  wire::RpcStatus status{5,
                         "no user 7",
                         {{"type.googleapis.com/google.rpc.DebugInfo", "secret"},
                          wire::retry_info_detail(milliseconds(1500))}};
  server->script = [&](const http::RequestHead&) {
    Script script;
    script.trailers_only = true;
    script.trailers.add(FieldId::GrpcStatus, "5");
    script.trailers.add(FieldId::GrpcMessage, "no user%207");
    script.trailers.add(FieldId::GrpcStatusDetailsBin,
                        base64_encode(wire::write_rpc_status(status)));
    return script;
  };
  start();
  auto run = call({"m"});
  ASSERT_TRUE(run->outcome && run->outcome->failure);
  EXPECT_EQ(run->outcome->failure->code(), Code::NotFound);
  EXPECT_EQ(run->outcome->failure->origin(), Origin::Upstream);
  EXPECT_EQ(run->outcome->failure->message(), "no user 7");
  EXPECT_EQ(run->outcome->failure->details().size(), 1u) << "google.rpc.DebugInfo stays inside";
  EXPECT_EQ(run->outcome->failure->retry_after(), milliseconds(1500));
  const auto passed =
      base64_decode(*run->outcome->trailers.find(FieldId::GrpcStatusDetailsBin), Base64::Standard);
  EXPECT_EQ(passed->find("secret"), std::string::npos);
}

struct Broken {
  const char* name;
  std::function<void(Script&)> bend;
  Code code;
  uint16_t http;
};

TEST_F(Upstream, maps_what_a_broken_upstream_answers) {
  const Broken cases[] = {
      {"no trailers", [](Script& s) { s.no_trailers = true; }, Code::Internal, 502},
      {"status 17", [](Script& s) { s.trailers.add("grpc-status", "17"); }, Code::Unknown, 500},
      {"status 4294967297", [](Script& s) { s.trailers.add("grpc-status", "4294967297"); },
       Code::Internal, 502},
      {"status text", [](Script& s) { s.trailers.add("grpc-status", "ok"); }, Code::Internal, 502},
      {"http 503", [](Script& s) { s.status = 503, s.content_type = "text/html"; },
       Code::Unavailable, 503},
      {"http 404", [](Script& s) { s.status = 404, s.content_type = "text/html"; },
       Code::Unimplemented, 501},
      {"http 418", [](Script& s) { s.status = 418, s.content_type = "text/html"; }, Code::Unknown,
       500},
      {"html", [](Script& s) { s.content_type = "text/html"; }, Code::Internal, 502},
      {"half a frame", [](Script& s) { s.raw = std::string("\0\0\0\0\x09half", 9); },
       Code::Internal, 502},
      {"bad flag", [](Script& s) { s.raw = std::string("\x07\0\0\0\0", 5); }, Code::Internal, 502},
      {"reset", [](Script& s) { s.refuse = true; }, Code::Internal, 500},
      {"late reset", [](Script& s) { s.reset_late = true; }, Code::Internal, 500},
  };
  start();
  for (const Broken& one : cases) {
    server->script = [&](const http::RequestHead&) {
      Script script;
      one.bend(script);
      return script;
    };
    auto run = call({"m"});
    ASSERT_TRUE(run->outcome && run->outcome->failure) << one.name;
    EXPECT_EQ(run->outcome->failure->code(), one.code) << one.name;
    EXPECT_EQ(run->outcome->failure->http_status(), one.http) << one.name;
    EXPECT_EQ(server->serving, 0) << one.name;
  }
  server->script = [](const http::RequestHead&) { return Script{}; };
  EXPECT_TRUE(call({"fine"})->outcome->ok()) << "the connection has survived all of it";
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(Upstream, cancels_at_the_upstream_when_the_call_is_dropped) {
  server->script = [](const http::RequestHead&) { return Script{.hang = true}; };
  start();
  auto run = call({"m"});
  EXPECT_EQ(server->serving, 1);
  tasks.cancel_all();
  fake.loop.run_until_idle();
  EXPECT_EQ(server->serving, 0);
  EXPECT_EQ(server->cancelled, 1);
}

TEST_F(Upstream, says_why_it_cannot_be_reached_and_recovers_after_backoff_max) {
  settings.backoff_max = milliseconds(500);
  network.refuse(address);
  start();
  fake.advance(milliseconds(10));
  auto run = call({"m"});
  ASSERT_TRUE(run->outcome && run->outcome->failure);
  EXPECT_EQ(run->outcome->failure->reason(), Reason::UpstreamUnavailable);
  EXPECT_NE(run->outcome->failure->detail().find("refused"), std::string::npos)
      << run->outcome->failure->detail();
  fake.advance(seconds(60));
  network.accept_again(address);
  fake.advance(milliseconds(601));  // a fifth more, by chance
  EXPECT_TRUE(call({"m"})->outcome->ok());
}

TEST_F(Upstream, waits_for_a_connection_that_is_being_made) {
  network.connect_delay = milliseconds(50);
  start();
  auto run = call({"m"});
  EXPECT_FALSE(run->outcome);
  fake.advance(milliseconds(60));
  ASSERT_TRUE(run->outcome);
  EXPECT_TRUE(run->outcome->ok());
}

TEST_F(Upstream, reconnects_at_once_after_a_connection_broke) {
  start();
  EXPECT_TRUE(call({"m"})->outcome->ok());
  server->drop_connections();
  fake.loop.run_until_idle();
  EXPECT_TRUE(call({"m"})->outcome->ok());
}

TEST_F(Upstream, replaces_connections_that_served_a_call_at_once_however_short_they_were) {
  start();
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(call({"hi"})->outcome->ok()) << i;
    server->drop_connections();
    fake.loop.run_until_idle();
  }
}

TEST_F(Upstream, does_not_hammer_an_upstream_that_speaks_something_else) {
  server->stop_listening();
  auto listener = *network.listen(address, {});
  struct Banner {
    static Task<void> run(net::Listener& listener, std::vector<net::MemoryPeer>& peers) {
      for (;;) {
        auto stream = co_await listener.accept();
        if (!stream) co_return;
        (*stream)->write(Bytes::copy("HTTP/1.1 400 Bad Request\r\n\r\n"));
        (*stream)->shutdown();
      }
    }
  };
  std::vector<net::MemoryPeer> peers;
  TaskSet accepting(fake.loop);
  accepting.spawn(Banner::run(*listener, peers));
  start();
  fake.advance(seconds(5));
  EXPECT_LT(network.connects, 20u);
  EXPECT_FALSE(cluster->connected());
}

TEST_F(Upstream, spreads_calls_round_robin) {
  FakeGrpcServer second(fake.loop, network, second_address);
  settings.endpoints = {"10.0.0.1:50051", "10.0.0.2:50051"};
  start();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(call({"m"})->outcome->ok());
  EXPECT_EQ(server->asked.size(), 5u);
  EXPECT_EQ(second.asked.size(), 5u);
}

TEST_F(Upstream, opens_more_connections_when_streams_run_out) {
  server->settings.streams_max = 2;
  server->script = [](const http::RequestHead&) { return Script{.hang = true}; };
  start();
  std::vector<std::unique_ptr<Run>> runs;
  for (int i = 0; i < 5; ++i) runs.push_back(call({"m"}));
  EXPECT_EQ(server->serving, 5);
  EXPECT_EQ(server->connections(), 3u);
  tasks.cancel_all();
}

TEST_F(Upstream, limits_the_calls_that_wait) {
  server->settings.streams_max = 1;
  settings.connections_max = 1;
  settings.pending_max = 2;
  server->script = [](const http::RequestHead&) { return Script{.hang = true}; };
  start();
  std::vector<std::unique_ptr<Run>> runs;
  for (int i = 0; i < 4; ++i) runs.push_back(call({"m"}));
  ASSERT_TRUE(runs[3]->outcome && runs[3]->outcome->failure);
  EXPECT_EQ(runs[3]->outcome->failure->limit_name(), "upstreams.t.pending_max");
  EXPECT_FALSE(runs[2]->outcome);
  tasks.cancel_all();
}

TEST_F(Upstream, names_the_setting_when_connecting_takes_too_long) {
  settings.connect_timeout = milliseconds(700);
  network.swallow(address);
  start();
  auto run = call({"m"});
  fake.advance(milliseconds(699));
  EXPECT_FALSE(run->outcome);
  fake.advance(milliseconds(2));
  ASSERT_TRUE(run->outcome && run->outcome->failure);
  EXPECT_EQ(run->outcome->failure->reason(), Reason::UpstreamUnavailable);
  EXPECT_EQ(run->outcome->failure->detail(),
            "10.0.0.1:50051: no answer in time (limit upstreams.t.connect_timeout)");
  EXPECT_EQ(cluster->connect_counts().timeouts, 1U);
}

TEST_F(Upstream, refuses_a_header_that_the_upstream_would_not_take) {
  start();
  auto run = std::make_unique<Run>();
  run->call.method = contract.find_method("/t.v1.S/Unary");
  run->call.metadata.add("x-big", std::string(70'000, 'b'));
  run->requests.emplace(std::vector<std::string>{"m"});
  run->call.requests = &*run->requests;
  tasks.spawn(perform(*caller, *run));
  fake.loop.run_until_idle();
  ASSERT_TRUE(run->outcome && run->outcome->failure);
  EXPECT_EQ(run->outcome->failure->http_status(), 431);
  EXPECT_TRUE(server->asked.empty());
}

TEST_F(Upstream, follows_a_name_to_its_addresses) {
  FakeGrpcServer second(fake.loop, network, second_address);
  resolver.names["users.test"] = {address};
  settings.endpoints = {"dns:///users.test:50051"};
  start();
  EXPECT_TRUE(call({"m"})->outcome->ok());
  EXPECT_EQ(server->asked[0].head.find(FieldId::PseudoAuthority), "users.test:50051");
  resolver.names["users.test"] = {second_address};
  fake.advance(settings.resolve_interval + seconds(1));
  EXPECT_TRUE(call({"m"})->outcome->ok());
  EXPECT_EQ(second.asked.size(), 1u);
}

TEST_F(Upstream, sends_again_what_was_refused_unseen) {
  settings.replay_bytes_max = 1000;
  auto run = refused_unseen(std::string(500, 'x'));
  ASSERT_TRUE(run->outcome);
  EXPECT_TRUE(run->outcome->ok());
}

TEST_F(Upstream, does_not_send_again_what_is_too_large_to_be_kept) {
  settings.replay_bytes_max = 1000;
  auto run = refused_unseen(std::string(1001, 'x'));
  ASSERT_TRUE(run->outcome && run->outcome->failure);
  EXPECT_EQ(run->outcome->failure->code(), Code::Unavailable);
}

Task<void> acquire_into(Cluster& cluster, Lease avoid, std::optional<Lease>& got) {
  if (auto lease = co_await cluster.acquire(avoid)) got = *lease;
}

TEST_F(Upstream, takes_the_connection_that_refused_when_there_can_be_no_other) {
  settings.connections_max = 1;
  start();
  const Lease only = cluster->try_acquire({});
  ASSERT_TRUE(only.connection);
  std::optional<Lease> got;
  tasks.spawn(acquire_into(*cluster, only, got));
  fake.loop.run_until_idle();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->connection, only.connection);
}

TEST_F(Upstream, takes_the_connection_that_refused_when_another_cannot_be_made) {
  start();
  const Lease only = cluster->try_acquire({});
  ASSERT_TRUE(only.connection);
  network.refuse(address);
  std::optional<Lease> got;
  tasks.spawn(acquire_into(*cluster, only, got));
  fake.advance(seconds(10));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->connection, only.connection);
}

Task<void> read_on(KeptMessages& kept) {
  for (;;) {
    const auto part = co_await kept.next();
    if (!part || !*part) co_return;
  }
}

TEST_F(Upstream, empty_messages_are_not_kept_without_end) {
  ReadyMessages source(std::vector<std::string>(10'000));
  KeptMessages kept(source, 64 * 1024);
  tasks.spawn(read_on(kept));
  fake.loop.run_until_idle();
  EXPECT_FALSE(kept.replayable(64 * 1024));
}

TEST_F(Upstream, does_not_hammer_an_upstream_that_sends_connections_away) {
  start();
  EXPECT_TRUE(call({"m"})->outcome->ok());
  server->drain.start(seconds(5));
  fake.advance(seconds(20));
  EXPECT_LT(network.connects, 30u);
}

TEST(GrpcStatus, writes_timeouts_in_at_most_eight_digits) {
  EXPECT_EQ(grpc_timeout_text(Duration(0)), "1n");
  EXPECT_EQ(grpc_timeout_text(milliseconds(1)), "1000000n");
  EXPECT_EQ(grpc_timeout_text(seconds(60)), "60000000u");
  EXPECT_EQ(grpc_timeout_text(seconds(100)), "100000m");
  EXPECT_EQ(grpc_timeout_text(std::chrono::hours(100'000)), "6000000M");
}

}  // namespace
}  // namespace parley::upstream
