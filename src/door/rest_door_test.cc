#include "door/rest_door.h"

#include <gtest/gtest.h>

#include "door/door_fake.h"
#include "door/rest_reply.h"
#include "wire/grpc_compression.h"

namespace parley::door {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kProto = R"(
    syntax = "proto3"; package t;
    import "google/api/annotations.proto";
    import "google/api/httpbody.proto";
    message User { int64 id = 1; string name = 2; }
    message UserList { repeated User users = 1; }
    service Users {
      rpc List(User) returns (UserList) { option (google.api.http) = {get: "/v1/users"}; }
      rpc Get(User) returns (User) { option (google.api.http) = {get: "/v1/users/{id}"}; }
      rpc Create(User) returns (User) {
        option (google.api.http) = {post: "/v1/users" body: "*"};
      }
      rpc Watch(User) returns (stream User) {
        option (google.api.http) = {get: "/v1/users/{id}/watch"};
      }
      rpc Blocks(User) returns (stream google.api.HttpBody) {
        option (google.api.http) = {get: "/v1/blocks"};
      }
    })";
// {"id": "7"}, {"id": "8", "name": "x"}
const std::string kSeven("\x08\x07", 2);
const std::string kEight("\x08\x08\x12\x01x", 5);

class RestDoor : public testing::Test {
 protected:
  void reply(std::string_view message) {
    scene.service.replies.push_back(call::whole_message(Bytes::copy(message)));
  }
  DoorScene scene{kProto};
};

TEST_F(RestDoor, answers_a_get) {
  reply(kEight);
  const FakeExchange& exchange = scene.ask("GET", "/v1/users/7");
  ASSERT_EQ(scene.service.calls.size(), 1u);
  EXPECT_EQ(scene.service.calls[0].messages[0], kSeven);
  EXPECT_EQ(scene.service.calls[0].method->full_name, "t.Users.Get");
  EXPECT_EQ(exchange.answer_.status, 200);
  EXPECT_EQ(exchange.body_, R"({"id":"8","name":"x"})");
  EXPECT_EQ(exchange.field("content-length"), "21");
  EXPECT_EQ(exchange.record().method, "t.Users.Get");
  EXPECT_EQ(exchange.record().route, "/v1/users/{id}");
  EXPECT_EQ(exchange.record().protocol, "rest");
  EXPECT_EQ(exchange.record().endpoint, "fake:1");
  EXPECT_TRUE(exchange.record().code_known);
  EXPECT_EQ(exchange.record().code, Code::Ok);
}

// id, then names until it is long: the last one counts.
std::string long_message() {
  std::string message = kSeven;
  const std::string name = std::string("\x12\x7F", 2) + std::string(127, 'n');
  while (message.size() < kPiecewiseMin) message += name;
  return message;
}

TEST_F(RestDoor, a_long_answer_leaves_in_pieces) {
  std::string users;  // of a list: {"users": [{"id": ..., "name": ...}, ...]}
  while (users.size() < kPiecewiseMin) users += std::string("\x0A\x05", 2) + kEight;
  reply(users);
  const FakeExchange& exchange = scene.ask("GET", "/v1/users");
  EXPECT_EQ(exchange.answer_.status, 200);
  EXPECT_EQ(exchange.field("content-length"), std::nullopt);
  EXPECT_EQ(exchange.field("content-type"), "application/json");
  std::string expected = R"({"users":[)";
  for (size_t i = 0; i < users.size() / 7; ++i)
    expected += std::string(i == 0 ? "" : ",") + R"({"id":"8","name":"x"})";
  EXPECT_EQ(exchange.body_, expected + "]}");
  EXPECT_TRUE(exchange.finished());
}

TEST_F(RestDoor, fields_of_a_long_answer_that_come_back_are_merged) {
  reply(long_message());
  EXPECT_EQ(scene.ask("GET", "/v1/users/7").body_,
            R"({"id":"7","name":")" + std::string(127, 'n') + R"("})");
}

TEST_F(RestDoor, a_long_answer_that_is_malformed_at_once_is_a_failure_of_the_upstream) {
  reply(long_message() + "\x12");
  EXPECT_EQ(scene.ask("GET", "/v1/users/7").answer_.status, 502);
}

TEST_F(RestDoor, a_long_answer_that_is_malformed_behind_its_begin_is_broken_off) {
  std::string users;
  while (users.size() < kPiecewiseMin) users += std::string("\x0A\x05", 2) + kEight;
  reply(users + std::string("\x0A\x03\x12\x01\xFF", 5));  // a name that is no UTF-8
  const FakeExchange& exchange = scene.ask("GET", "/v1/users");
  EXPECT_EQ(exchange.answer_.status, 200);
  EXPECT_EQ(exchange.reset_, Code::Internal);
}

TEST_F(RestDoor, head_of_a_long_answer_has_its_length) {
  reply(long_message());
  const FakeExchange& exchange = scene.ask("HEAD", "/v1/users/7");
  EXPECT_EQ(exchange.field("content-length"), "147");
  EXPECT_EQ(exchange.body_, "");
}

TEST_F(RestDoor, joins_the_chunks_of_a_body) {
  reply(kSeven);
  FakeExchange& exchange = scene.request("POST", "/v1/users");
  exchange.send(R"({"id":8,)");
  exchange.send(R"("name")");
  exchange.send(R"(:"x"})");
  scene.start(exchange);
  ASSERT_EQ(scene.service.calls.size(), 1u);
  EXPECT_EQ(scene.service.calls[0].messages[0], kEight);
}

TEST_F(RestDoor, waits_for_the_body_before_it_calls) {
  FakeExchange& exchange = scene.request("POST", "/v1/users");
  exchange.keep_open();
  exchange.send(R"({"id":)");
  scene.start(exchange);
  EXPECT_TRUE(scene.service.calls.empty());
  exchange.send("8}");
  exchange.end();
  scene.fake.loop.run_until_idle();
  EXPECT_EQ(scene.service.calls.size(), 1u);
}

TEST_F(RestDoor, refuses_a_bad_header_before_the_body_has_come) {
  FakeExchange& exchange = scene.request("POST", "/v1/users");
  exchange.keep_open();
  exchange.add("content-type", "text/plain");
  scene.start(exchange);
  EXPECT_EQ(exchange.answer_.status, 415);
  EXPECT_TRUE(exchange.finished());
}

TEST_F(RestDoor, stops_reading_a_body_at_the_limit) {
  FakeExchange& exchange = scene.request("POST", "/v1/users");
  exchange.keep_open();
  for (int i = 0; i < 5; ++i) exchange.send(std::string(1024 * 1024, ' '));
  scene.start(exchange);
  EXPECT_EQ(exchange.answer_.status, 413);
  EXPECT_TRUE(scene.service.calls.empty());
}

TEST_F(RestDoor, takes_a_body_of_three_megabytes) {
  reply(kSeven);
  const std::string name(3 * 1024 * 1024, 'x');
  const FakeExchange& exchange = scene.ask("POST", "/v1/users", R"({"name":")" + name + "\"}");
  EXPECT_EQ(exchange.answer_.status, 200);
  EXPECT_EQ(scene.service.calls[0].messages[0].size(), name.size() + 5);
}

TEST_F(RestDoor, refuses_json_nested_beyond_the_limit) {
  std::string json = R"({"name":)";
  for (int i = 0; i < 101; ++i) json += "[";
  const FakeExchange& exchange = scene.ask("POST", "/v1/users", json);
  EXPECT_EQ(exchange.answer_.status, 400);
}

TEST_F(RestDoor, ends_a_call_at_its_deadline) {
  scene.service.waits_before_metadata = true;
  FakeExchange& exchange = scene.request("GET", "/v1/users/7");
  exchange.add("x-request-timeout", "250ms");
  scene.start(exchange);
  EXPECT_EQ(scene.service.running, 1u);
  scene.fake.advance(milliseconds(249));
  EXPECT_FALSE(exchange.begun());
  scene.fake.advance(milliseconds(3));
  EXPECT_EQ(exchange.answer_.status, 504);
  EXPECT_EQ(scene.service.running, 0u) << "the upstream's part is cancelled";
  EXPECT_EQ(exchange.record().code, Code::DeadlineExceeded);
  EXPECT_EQ(exchange.record().endpoint, "fake:1");
}

TEST_F(RestDoor, counts_the_deadline_from_the_requests_first_byte) {
  FakeExchange& exchange = scene.request("POST", "/v1/users");
  exchange.keep_open();
  exchange.add("x-request-timeout", "2");
  scene.start(exchange);
  scene.fake.advance(seconds(3));
  EXPECT_EQ(exchange.answer_.status, 504) << "a body that does not come is no excuse";
  EXPECT_TRUE(scene.service.calls.empty());
}

TEST_F(RestDoor, cancels_the_call_of_a_client_that_went_away) {
  scene.service.waits_before_metadata = true;
  scene.ask("GET", "/v1/users/7");
  EXPECT_EQ(scene.service.running, 1u);
  scene.cancel();
  EXPECT_EQ(scene.service.running, 0u);
}

TEST_F(RestDoor, keeps_a_sane_request_id) {
  reply(kSeven);
  FakeExchange& exchange = scene.request("GET", "/v1/users/7");
  exchange.add("x-request-id", "abc-1.2_3");
  scene.start(exchange);
  EXPECT_EQ(exchange.field("x-request-id"), "abc-1.2_3");
  EXPECT_EQ(scene.service.calls[0].metadata.find("x-request-id"), "abc-1.2_3");
  EXPECT_EQ(scene.service.calls[0].request_id, "abc-1.2_3");
}

TEST_F(RestDoor, replaces_a_request_id_that_is_not_sane) {
  for (const std::string& id : {std::string("a b"), std::string(129, 'x'), std::string("a\"b")}) {
    FakeExchange& exchange = scene.request("GET", "/v1/nothing");
    exchange.add("x-request-id", id);
    scene.start(exchange);
    EXPECT_NE(exchange.field("x-request-id"), id);
    EXPECT_EQ(exchange.field("x-request-id")->size(), 32u);
  }
}

TEST_F(RestDoor, says_who_forwards) {
  reply(kSeven);
  scene.ask("GET", "/v1/users/7");
  const Fields& metadata = scene.service.calls[0].metadata;
  EXPECT_EQ(metadata.find("x-forwarded-for"), "192.0.2.7");
  EXPECT_EQ(metadata.find("x-forwarded-proto"), "http");
  EXPECT_EQ(metadata.find("x-forwarded-host"), "api.example.com");
  EXPECT_EQ(scene.service.calls[0].peer, "192.0.2.7");
}

TEST_F(RestDoor, counts_what_it_drops) {
  reply(kSeven);
  FakeExchange& exchange = scene.request("GET", "/v1/users/7");
  exchange.add("x-under_score", "1");
  exchange.add("x-latin", "caf\xE9");
  scene.start(exchange);
  EXPECT_EQ(scene.doors.counts().metadata_dropped, 2u);
}

TEST_F(RestDoor, opens_a_compressed_answer) {
  const Bytes packed = wire::compress_message(wire::MessageEncoding::Gzip, kSeven);
  scene.service.metadata.add("grpc-encoding", "gzip");
  scene.service.replies.push_back(call::whole_message(packed, true));
  EXPECT_EQ(scene.ask("GET", "/v1/users/7").body_, R"({"id":"7","name":""})");
}

TEST_F(RestDoor, refuses_a_compressed_answer_of_an_unknown_encoding) {
  scene.service.replies.push_back(call::whole_message(Bytes::copy("x"), true));
  const FakeExchange& exchange = scene.ask("GET", "/v1/users/7");
  EXPECT_EQ(exchange.answer_.status, 502);
}

TEST_F(RestDoor, joins_the_parts_of_an_answer) {
  scene.service.replies.push_back({Bytes::copy("\x08"), 2, false, true, false});
  scene.service.replies.push_back({Bytes::copy("\x07"), 2, false, false, true});
  EXPECT_EQ(scene.ask("GET", "/v1/users/7").body_, R"({"id":"7","name":""})");
}

TEST_F(RestDoor, answers_without_a_catalogue_that_it_is_starting) {
  scene.doors.publish(CatalogueRef());
  const FakeExchange& exchange = scene.ask("GET", "/v1/users/7");
  EXPECT_EQ(exchange.answer_.status, 503);
  EXPECT_EQ(exchange.field("retry-after"), "1");
}

TEST_F(RestDoor, finishes_a_call_with_the_catalogue_that_it_began_with) {
  scene.service.waits_before_messages = true;
  reply(kSeven);
  const FakeExchange& exchange = scene.ask("GET", "/v1/users/7");
  scene.doors.publish(CatalogueRef());
  scene.service.go.notify();
  scene.fake.loop.run_until_idle();
  EXPECT_EQ(exchange.answer_.status, 200);
}

TEST_F(RestDoor, holds_a_streams_status_until_the_first_message) {
  scene.service.waits_before_messages = true;
  scene.service.waits_between_messages = true;
  reply(kSeven);
  reply(kEight);
  const FakeExchange& exchange = scene.ask("GET", "/v1/users/7/watch");
  EXPECT_FALSE(exchange.begun()) << "headers of the upstream are no reason";
  scene.service.go.notify();
  scene.fake.loop.run_until_idle();
  EXPECT_EQ(exchange.answer_.status, 200);
  EXPECT_EQ(exchange.writes_.size(), 1u);
  scene.service.go.notify();
  scene.fake.loop.run_until_idle();
  scene.service.go.notify();
  scene.fake.loop.run_until_idle();
  EXPECT_EQ(exchange.writes_.size(), 2u);
  EXPECT_TRUE(exchange.finished());
}

TEST_F(RestDoor, begins_a_silent_stream_after_a_while) {
  scene.service.waits_before_messages = true;
  scene.service.failure = Failure(Code::NotFound, "gone", Origin::Upstream);
  const FakeExchange& exchange = scene.ask("GET", "/v1/users/7/watch");
  scene.fake.advance(seconds(31));
  EXPECT_EQ(exchange.answer_.status, 200);
  EXPECT_FALSE(exchange.finished());
  scene.service.go.notify();
  scene.fake.loop.run_until_idle();
  EXPECT_TRUE(exchange.body_.starts_with(R"({"error":{"type":)")) << exchange.body_;
  EXPECT_TRUE(exchange.body_.ends_with("}}\n"));
  EXPECT_TRUE(exchange.finished());
  EXPECT_EQ(exchange.record().code, Code::NotFound);
}

TEST_F(RestDoor, has_no_deadline_for_streams) {
  scene.service.waits_before_end = true;
  reply(kSeven);
  const FakeExchange& exchange = scene.ask("GET", "/v1/users/7/watch");
  scene.fake.advance(std::chrono::hours(2));
  EXPECT_FALSE(exchange.finished());
}

TEST_F(RestDoor, ends_a_stream_at_the_clients_deadline_with_a_last_line) {
  scene.service.waits_before_end = true;
  reply(kSeven);
  FakeExchange& exchange = scene.request("GET", "/v1/users/7/watch");
  exchange.add("x-request-timeout", "1");
  scene.start(exchange);
  scene.fake.advance(seconds(2));
  EXPECT_TRUE(exchange.finished());
  EXPECT_NE(exchange.body_.find("deadline_expired"), std::string::npos);
  EXPECT_EQ(scene.service.running, 0u);
}

TEST_F(RestDoor, ends_a_stream_whose_client_is_gone) {
  reply(kSeven);
  reply(kEight);
  FakeExchange& exchange = scene.request("GET", "/v1/users/7/watch");
  exchange.accepts_writes_ = false;
  scene.start(exchange);
  EXPECT_TRUE(exchange.writes_.empty());
  EXPECT_FALSE(exchange.finished()) << "the connection resets what nobody finished";
}

TEST_F(RestDoor, writes_blocks_of_http_body_as_they_are) {
  reply(std::string("\x0a\x0atext/plain\x12\x02hi", 16));
  reply(std::string("\x12\x01!", 3));
  const FakeExchange& exchange = scene.ask("GET", "/v1/blocks");
  EXPECT_EQ(exchange.field("content-type"), "text/plain");
  EXPECT_EQ(exchange.body_, "hi!");
}

TEST_F(RestDoor, answers_what_http_refuses) {
  const FakeExchange& exchange =
      scene.refuse("GET", "/", Failure::limit("http.header_bytes_max", "too much"));
  EXPECT_EQ(exchange.answer_.status, 503);
  EXPECT_NE(exchange.body_.find("http.header_bytes_max"), std::string::npos);
  const FakeExchange& malformed =
      scene.refuse("", "", Failure(Reason::RequestMalformed, "bad line"));
  EXPECT_EQ(malformed.answer_.status, 400);
  EXPECT_TRUE(malformed.field("x-request-id").has_value());
}

TEST_F(RestDoor, closes_the_connection_of_what_http_refuses_over_http1_alone) {
  for (const auto version : {http::Version::Http10, http::Version::Http11, http::Version::Http2}) {
    FakeExchange& exchange = scene.request("GET", "/");
    exchange.version_ = version;
    scene.refuse(exchange, Failure(Reason::UrlTooLong, "too long"));
    EXPECT_EQ(exchange.answer_.status, 414);
    EXPECT_EQ(exchange.closes_, version != http::Version::Http2);
  }
}

TEST_F(RestDoor, writes_the_whole_problem) {
  FakeExchange& exchange = scene.request("GET", "/v1/users/x");
  exchange.add("x-request-id", "id-1");
  scene.start(exchange);
  EXPECT_EQ(exchange.field("content-type"), "application/problem+json");
  EXPECT_EQ(exchange.body_,
            R"({"type":"https://parley.dev/errors/path_invalid","title":"The path is not valid",)"
            R"("status":400,"detail":"id: expected a whole number from -2^63 to 2^63 - 1",)"
            R"("code":"INVALID_ARGUMENT","request_id":"id-1","errors":[{"field":"id",)"
            R"("description":"expected a whole number from -2^63 to 2^63 - 1"}]})");
  EXPECT_EQ(exchange.record().reason,
            "path_invalid: id: expected a whole number from -2^63 to 2^63 - 1");
}

TEST_F(RestDoor, repairs_an_upstreams_message_that_is_not_utf8) {
  scene.service.failure = Failure(Code::Internal, "caf\xE9", Origin::Upstream);
  const FakeExchange& exchange = scene.ask("GET", "/v1/users/7");
  EXPECT_NE(exchange.body_.find("caf\xEF\xBF\xBD"), std::string::npos);
}

}  // namespace
}  // namespace parley::door
