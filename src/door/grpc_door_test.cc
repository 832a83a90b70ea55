#include "door/grpc_door.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "door/door_fake.h"
#include "wire/rpc_status.h"

namespace parley::door {
namespace {

using std::chrono::seconds;

constexpr std::string_view kProto = R"(
    syntax = "proto3"; package t;
    message M { string s = 1; }
    service S {
      rpc Get(M) returns (M);
      rpc Collect(stream M) returns (M);
      rpc Watch(M) returns (stream M);
      rpc Chat(stream M) returns (stream M);
    })";

std::string frame(std::string_view message, char flags = 0) {
  std::string out(1, flags);
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(message.size() >> static_cast<unsigned>(shift));
  return out + std::string(message);
}

class GrpcDoor : public testing::Test {
 protected:
  FakeExchange& request(std::string_view path) {
    FakeExchange& exchange = scene.request("POST", path);
    exchange.add("content-type", "application/grpc");
    exchange.add("te", "trailers");
    return exchange;
  }
  FakeExchange& ask(std::string_view path, std::string_view body) {
    FakeExchange& exchange = request(path);
    if (!body.empty()) exchange.send(body);
    scene.start(exchange);
    return exchange;
  }
  void reply(std::string_view message) {
    scene.service.replies.push_back(call::whole_message(Bytes::copy(message)));
  }
  // The status, wherever it stands.
  static std::string status(const FakeExchange& exchange) {
    const auto trailer = exchange.answer_trailers_.find("grpc-status");
    const auto head = exchange.field("grpc-status");
    EXPECT_FALSE(trailer && head) << "one status";
    EXPECT_EQ(exchange.answer_.status, 200);
    EXPECT_TRUE(exchange.finished());
    return std::string(trailer ? *trailer : head.value_or("none"));
  }

  DoorScene scene{kProto};
};

TEST_F(GrpcDoor, passes_a_unary_call_through) {
  reply("answer");
  const FakeExchange& exchange = ask("/t.S/Get", frame("question"));
  ASSERT_EQ(scene.service.calls.size(), 1u);
  EXPECT_EQ(scene.service.calls[0].messages, std::vector<std::string>{"question"});
  EXPECT_EQ(exchange.body_, frame("answer"));
  EXPECT_EQ(status(exchange), "0");
  EXPECT_EQ(exchange.field("content-type"), "application/grpc");
  EXPECT_EQ(exchange.record().protocol, "grpc");
  EXPECT_EQ(exchange.record().method, "t.S.Get");
  EXPECT_EQ(exchange.record().endpoint, "fake:1");
}

TEST_F(GrpcDoor, takes_messages_in_any_chunks) {
  scene.service.echo = true;
  FakeExchange& exchange = request("/t.S/Chat");
  for (const char c : frame("one") + frame("") + frame("three"))
    exchange.send(std::string_view(&c, 1));
  scene.start(exchange);
  EXPECT_EQ(scene.service.calls[0].messages, (std::vector<std::string>{"one", "", "three"}));
  EXPECT_EQ(exchange.body_, frame("one") + frame("") + frame("three"));
  EXPECT_EQ(status(exchange), "0");
}

TEST_F(GrpcDoor, keeps_compression_flags_and_encodings) {
  scene.service.metadata.add("grpc-encoding", "gzip");
  scene.service.replies.push_back(call::whole_message(Bytes::copy("packed"), true));
  FakeExchange& exchange = request("/t.S/Collect");
  exchange.add("grpc-encoding", "snappy");
  exchange.add("grpc-accept-encoding", "gzip,deflate");
  exchange.send(frame("a", 1) + frame("b", 0));
  scene.start(exchange);
  EXPECT_EQ(scene.service.calls[0].compressed, (std::vector<bool>{true, false}));
  EXPECT_EQ(scene.service.calls[0].encoding, "snappy");
  EXPECT_EQ(exchange.field("grpc-encoding"), "gzip");
  EXPECT_EQ(exchange.body_, frame("packed", 1));
}

TEST_F(GrpcDoor, refuses_a_compressed_message_without_an_encoding) {
  EXPECT_EQ(status(ask("/t.S/Get", frame("a", 1))), "3");
}

TEST_F(GrpcDoor, refuses_unknown_flags) { EXPECT_EQ(status(ask("/t.S/Get", frame("a", 2))), "3"); }

TEST_F(GrpcDoor, passes_metadata_both_ways) {
  reply("x");
  scene.service.metadata.add("x-a", "1");
  scene.service.metadata.add("trace-bin", "YQ");
  scene.service.trailers.add("x-b", "2");
  scene.service.trailers.add("x-b", "3");
  FakeExchange& exchange = request("/t.S/Get");
  exchange.add("authorization", "Bearer t");
  exchange.add("any_name.at-all", "v");
  exchange.add("custom-bin", "YWJj,YQ==");
  exchange.add("user-agent", "grpc-c++/1.51");
  exchange.add("grpc-trace-bin", "YQ");
  exchange.add("grpc-internal-encoding-request", "gzip");
  exchange.add("x-parley-identity", "root");
  exchange.send(frame("q"));
  scene.start(exchange);
  const Fields& metadata = scene.service.calls[0].metadata;
  EXPECT_EQ(metadata.find("authorization"), "Bearer t");
  EXPECT_EQ(metadata.find("any_name.at-all"), "v");
  EXPECT_EQ(metadata.find("custom-bin"), "YWJj");
  EXPECT_EQ(metadata.find("user-agent"), "grpc-c++/1.51");
  EXPECT_EQ(metadata.find("grpc-trace-bin"), "YQ");
  for (const char* name :
       {"te", "content-type", "grpc-internal-encoding-request", ":path", "x-parley-identity"})
    EXPECT_FALSE(metadata.find(name).has_value()) << name;
  EXPECT_EQ(exchange.field("x-a"), "1");
  EXPECT_EQ(exchange.field("trace-bin"), "YQ");
  EXPECT_EQ(exchange.answer_trailers_.find("x-b"), "2");
  EXPECT_EQ(exchange.answer_trailers_.size(), 3u);
}

TEST_F(GrpcDoor, refuses_binary_metadata_that_is_not_base64) {
  FakeExchange& exchange = request("/t.S/Get");
  exchange.add("x-foo-bin", "not base64!");
  exchange.send(frame("q"));
  scene.start(exchange);
  EXPECT_EQ(status(exchange), "3");
  EXPECT_TRUE(scene.service.calls.empty());
}

TEST_F(GrpcDoor, refuses_metadata_beyond_the_upstreams_limit) {
  FakeExchange& exchange = request("/t.S/Get");
  exchange.add("x-large", std::string(20000, 'a'));
  exchange.send(frame("q"));
  scene.start(exchange);
  EXPECT_EQ(status(exchange), "8");
  EXPECT_TRUE(scene.service.calls.empty());
}

TEST_F(GrpcDoor, answers_an_unknown_method_with_12) {
  for (const char* path : {"/t.S/Missing", "/t.Missing/Get", "/", "/t.S/Get?x=1", "/t.S/Get/"}) {
    const FakeExchange& exchange = ask(path, frame("q"));
    EXPECT_EQ(status(exchange), "12") << path;
    EXPECT_TRUE(exchange.field("grpc-message").has_value()) << "trailers only";
    EXPECT_TRUE(exchange.field("x-request-id").has_value());
  }
}

TEST_F(GrpcDoor, answers_14_while_the_contract_is_pending) {
  scene.catalogue->pending_ = "users: no endpoint can be reached";
  EXPECT_EQ(status(ask("/t.S/Missing", frame("q"))), "14");
}

TEST_F(GrpcDoor, passes_a_failure_with_all_that_belongs_to_it) {
  scene.service.failure = Failure(Code::NotFound, "no caf\xC3\xA9 100%", Origin::Upstream);
  scene.service.trailers.add("grpc-status-details-bin", "CAUSAW4");
  scene.service.trailers.add("x-b", "2");
  const FakeExchange& exchange = ask("/t.S/Get", frame("q"));
  EXPECT_EQ(status(exchange), "5");
  EXPECT_EQ(exchange.answer_trailers_.find("grpc-message"), "no caf%C3%A9 100%25");
  EXPECT_EQ(exchange.answer_trailers_.find("grpc-status-details-bin"), "CAUSAW4");
  EXPECT_EQ(exchange.answer_trailers_.find("x-b"), "2");
}

TEST_F(GrpcDoor, answers_in_trailers_only_when_the_upstream_sent_nothing) {
  scene.service.sends_metadata = false;
  scene.service.failure = Failure(Code::PermissionDenied, "no", Origin::Upstream);
  scene.service.trailers.add("x-b", "2");
  const FakeExchange& exchange = ask("/t.S/Get", frame("q"));
  EXPECT_EQ(status(exchange), "7");
  EXPECT_EQ(exchange.field("grpc-status"), "7");
  EXPECT_EQ(exchange.field("x-b"), "2");
}

TEST_F(GrpcDoor, gives_its_own_failures_details) {
  FakeExchange& exchange = request("/t.S/Get");
  exchange.add("grpc-timeout", "soon");
  scene.start(exchange);
  EXPECT_EQ(status(exchange), "3");
  const auto decoded =
      base64_decode(exchange.field("grpc-status-details-bin").value_or(""), Base64::Standard);
  ASSERT_TRUE(decoded.has_value());
  const auto rpc = wire::read_rpc_status(*decoded);
  ASSERT_TRUE(rpc.has_value());
  EXPECT_NE(wire::find_detail(rpc->details, "google.rpc.BadRequest"), nullptr);
}

TEST_F(GrpcDoor, flushes_initial_metadata_when_the_upstream_sends_it) {
  scene.service.waits_before_messages = true;
  scene.service.metadata.add("x-a", "1");
  const FakeExchange& exchange = ask("/t.S/Watch", frame("q"));
  EXPECT_TRUE(exchange.begun());
  EXPECT_EQ(exchange.field("x-a"), "1");
  EXPECT_FALSE(exchange.finished());
}

TEST_F(GrpcDoor, ends_a_call_at_its_deadline) {
  scene.service.waits_before_metadata = true;
  FakeExchange& exchange = request("/t.S/Chat");
  exchange.add("grpc-timeout", "2S");
  exchange.send(frame("q"));
  scene.start(exchange);
  EXPECT_EQ(scene.service.calls[0].deadline - exchange.record().started, seconds(2));
  scene.fake.advance(seconds(3));
  EXPECT_EQ(status(exchange), "4");
  EXPECT_EQ(scene.service.running, 0u);
}

TEST_F(GrpcDoor, ends_a_running_stream_at_its_deadline) {
  scene.service.waits_before_end = true;
  reply("one");
  FakeExchange& exchange = request("/t.S/Watch");
  exchange.add("grpc-timeout", "2S");
  exchange.send(frame("q"));
  scene.start(exchange);
  EXPECT_EQ(exchange.body_, frame("one"));
  scene.fake.advance(seconds(3));
  EXPECT_EQ(exchange.answer_trailers_.find("grpc-status"), "4");
}

TEST_F(GrpcDoor, answers_a_zero_timeout_at_once) {
  FakeExchange& exchange = request("/t.S/Get");
  exchange.add("grpc-timeout", "0m");
  exchange.send(frame("q"));
  scene.start(exchange);
  EXPECT_EQ(status(exchange), "4");
  EXPECT_TRUE(scene.service.calls.empty());
}

TEST_F(GrpcDoor, takes_exactly_one_message_where_the_method_does) {
  EXPECT_EQ(status(ask("/t.S/Get", "")), "3");
  EXPECT_EQ(status(ask("/t.S/Get", frame("a") + frame("b"))), "3");
  EXPECT_EQ(status(ask("/t.S/Collect", "")), "0");
}

TEST_F(GrpcDoor, refuses_a_message_over_the_limit) {
  std::string head(1, '\0');
  head += std::string("\x7F\xFF\xFF\xFF", 4);
  EXPECT_EQ(status(ask("/t.S/Get", head)), "8");
}

TEST_F(GrpcDoor, refuses_a_body_that_ends_inside_of_a_message) {
  EXPECT_EQ(status(ask("/t.S/Get", frame("abc").substr(0, 6))), "3");
  EXPECT_EQ(status(ask("/t.S/Get", std::string(3, '\0'))), "3");
}

TEST_F(GrpcDoor, shares_large_parts_without_copying) {
  const std::string large(100'000, 'x');
  reply(large);
  const FakeExchange& exchange = ask("/t.S/Get", frame("q"));
  ASSERT_EQ(exchange.writes_.size(), 2u);
  EXPECT_EQ(exchange.writes_[0].size(), 5u);
  EXPECT_EQ(exchange.body_, frame(large));
}

TEST_F(GrpcDoor, takes_the_content_types_that_it_speaks) {
  reply("x");
  FakeExchange& proto = scene.request("POST", "/t.S/Get");
  proto.add("content-type", "application/grpc+proto;charset=utf-8");
  proto.send(frame("q"));
  scene.start(proto);
  EXPECT_EQ(status(proto), "0");
}

TEST_F(GrpcDoor, answers_415_to_its_relatives) {
  for (const char* type : {"application/grpc+json", "application/grpc-web", "application/grpcx",
                           "application/grpc-web-text+proto"}) {
    FakeExchange& exchange = scene.request("POST", "/t.S/Get");
    exchange.add("content-type", type);
    scene.start(exchange);
    EXPECT_EQ(exchange.answer_.status, 415) << type;
  }
}

TEST_F(GrpcDoor, needs_http2) {
  FakeExchange& exchange = request("/t.S/Get");
  exchange.version_ = http::Version::Http11;
  scene.start(exchange);
  EXPECT_EQ(exchange.answer_.status, 505);
}

TEST_F(GrpcDoor, takes_post_only) {
  FakeExchange& exchange = scene.request("GET", "/t.S/Get");
  exchange.add("content-type", "application/grpc");
  scene.start(exchange);
  EXPECT_EQ(status(exchange), "12");
}

TEST_F(GrpcDoor, answers_what_http_refuses_in_its_own_way) {
  FakeExchange& exchange = request("/t.S/Get");
  exchange.add("x-request-id", "id-1");
  loop::TaskSet tasks(scene.fake.loop);
  tasks.spawn(scene.doors.refuse(exchange, Failure(Reason::BodyTimeout, "too slow")));
  scene.fake.loop.run_until_idle();
  EXPECT_EQ(status(exchange), "1");
  EXPECT_EQ(exchange.field("x-request-id"), "id-1");
}

TEST_F(GrpcDoor, says_itself_where_a_call_comes_from) {
  FakeExchange& exchange = request("/t.S/Get");
  exchange.add("x-forwarded-for", "6.6.6.6");
  exchange.add("x-forwarded-host", "elsewhere");
  exchange.add("user-agent", "grpc-go/1.80");
  exchange.send(frame("a"));
  scene.start(exchange);
  ASSERT_EQ(scene.service.calls.size(), 1u);
  const Fields& metadata = scene.service.calls[0].metadata;
  EXPECT_EQ(metadata.count(FieldId::XForwardedFor), 1u);
  EXPECT_NE(metadata.find(FieldId::XForwardedFor), "6.6.6.6");
  EXPECT_EQ(metadata.find(FieldId::XForwardedProto), "http");
  EXPECT_NE(metadata.find(FieldId::XForwardedHost).value_or("elsewhere"), "elsewhere");
  EXPECT_EQ(metadata.find(FieldId::UserAgent), "grpc-go/1.80");
}

TEST_F(GrpcDoor, takes_a_place_at_the_upstream_with_the_first_message_only) {
  FakeExchange& exchange = request("/t.S/Get");
  exchange.keep_open();
  scene.start(exchange);
  const std::string message = frame("a");
  for (const char byte : message.substr(0, message.size() - 1)) {
    exchange.send(std::string(1, byte));
    scene.fake.loop.run_until_idle();
    EXPECT_EQ(scene.service.calls.size(), 0u);
  }
  exchange.send(message.substr(message.size() - 1));
  scene.fake.loop.run_until_idle();
  EXPECT_EQ(scene.service.calls.size(), 1u);
  scene.cancel();
}

TEST_F(GrpcDoor, does_not_wait_for_the_whole_of_a_large_message) {
  FakeExchange& exchange = request("/t.S/Get");
  exchange.keep_open();
  exchange.send(frame(std::string(100'000, 'a')).substr(0, 70'000));
  scene.start(exchange);
  EXPECT_EQ(scene.service.calls.size(), 1u);
  scene.cancel();
}

TEST_F(GrpcDoor, does_not_wait_for_the_whole_request_of_a_stream) {
  FakeExchange& exchange = request("/t.S/Chat");
  exchange.keep_open();
  scene.start(exchange);
  EXPECT_EQ(scene.service.calls.size(), 1u);
  scene.cancel();
  EXPECT_EQ(scene.service.running, 0u);
}

}  // namespace
}  // namespace parley::door
