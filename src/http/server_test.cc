#include "http/server.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/http1_fake.h"

namespace parley::http {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// A SETTINGS frame's type, on stream 0, behind its length: how an HTTP/2 server begins.
constexpr std::string_view kSettingsType("\x04\x00\x00\x00\x00\x00", 6);

class Server : public ::testing::Test, protected Http1Scene {
 protected:
  static bool is_http2(const std::string& got) { return got.substr(3, 6) == kSettingsType; }
};

TEST_F(Server, speaks_http2_after_the_preface) { EXPECT_TRUE(is_http2(ask(kPreface))); }

TEST_F(Server, speaks_http2_after_a_preface_in_pieces) {
  wire->forth.read_bytes_max = 1;
  EXPECT_TRUE(is_http2(ask(kPreface)));
}

TEST_F(Server, speaks_http1_otherwise) {
  EXPECT_EQ(ask("P"), "") << "PRI or POST";
  EXPECT_EQ(ask("OST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"), answer("hi"));
}

TEST_F(Server, refuses_what_is_nearly_the_preface_as_http1) {
  const std::string got = ask("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 505 ")) << got;
}

TEST_F(Server, closes_on_words_without_an_answer) {
  EXPECT_EQ(ask("INVALID CONNECTION PREFACE\r\n\r\n"), "");
  EXPECT_TRUE(served());
}

TEST_F(Server, answers_a_request_of_an_unknown_version) {
  for (const std::string_view line : {"GET / ICY/1.1", "GET / http", "GET / ", "GET /"}) {
    wire = net::make_wire(fake.loop);
    start();
    const std::string got = ask(std::string(line) + "\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 ")) << line << ": " << got;
  }
}

TEST_F(Server, closes_a_connection_that_says_nothing) {
  start();
  fake.advance(settings.header_timeout + std::chrono::milliseconds(5));
  EXPECT_TRUE(client->ended());
  EXPECT_TRUE(served());
}

TEST_F(Server, closes_a_connection_that_says_nothing_soon_in_a_drain) {
  start();
  drain.start(std::chrono::seconds(1));
  fake.advance(std::chrono::milliseconds(900));
  EXPECT_FALSE(served());
  fake.advance(std::chrono::milliseconds(105));
  EXPECT_TRUE(served());
}

TEST_F(Server, answers_a_first_request_that_comes_soon_in_a_drain) {
  start();
  drain.start(std::chrono::seconds(1));
  fake.advance(std::chrono::milliseconds(900));
  const std::string got = ask("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 ")) << got;
  EXPECT_NE(got.find("connection: close"), std::string::npos) << got;
}

TEST_F(Server, closes_a_connection_that_ends_before_it_says_anything) {
  start();
  client->end();
  settle();
  EXPECT_TRUE(served());
}

TEST_F(Server, does_not_wait_longer_for_a_preface_than_for_a_header) {
  ask("PRI * HT");
  fake.advance(settings.header_timeout + std::chrono::milliseconds(5));
  EXPECT_TRUE(client->closed());
}

}  // namespace
}  // namespace parley::http
