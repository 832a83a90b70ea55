#include "observe/access_record.h"

#include <string>

#include <gtest/gtest.h>

#include "observe/log_text.h"

namespace parley::observe {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

AccessRecord get_user() {
  return {.time = WallTime(seconds(1'790'000'000) + milliseconds(7)),
          .client = "127.0.0.1",
          .http = "HTTP/1.1",
          .verb = "GET",
          .path = "/v1/users/42?token=secret",
          .protocol = "rest",
          .method = "shop.v1.Users.GetUser",
          .route = "/v1/users/{id}",
          .status = 200,
          .code = Code::Ok,
          .code_known = true,
          .response_bytes = 296,
          .duration = microseconds(1234),
          .endpoint = "127.0.0.1:50051",
          .request_id = "4f2a"};
}

std::string text_of(const AccessRecord& record) {
  ByteBuffer out;
  render_text(record, out);
  return std::string(out.view());
}
std::string json_of(const AccessRecord& record) {
  ByteBuffer out;
  render_json(record, out);
  return std::string(out.view());
}

TEST(AccessText, is_one_line_with_fixed_columns_first) {
  EXPECT_EQ(text_of(get_user()),
            "2026-09-21T14:13:20.007Z 127.0.0.1       GET    200 OK                1.23ms       0"
            "     296 /v1/users/42 shop.v1.Users.GetUser 127.0.0.1:50051 4f2a\n");
}

TEST(AccessText, says_what_is_not_known_with_a_dash) {
  EXPECT_EQ(text_of({}),
            "1970-01-01T00:00:00.000Z -               -      -   -                    0us       0"
            "       0 - - - -\n");
}

TEST(AccessText, ends_with_why_a_request_failed) {
  AccessRecord record = get_user();
  record.reset = true;
  record.reason = "upstream_reset: the stream ended";
  EXPECT_TRUE(text_of(record).ends_with(" 4f2a reset upstream_reset: the stream ended\n"));
}

TEST(AccessText, holds_no_query) {
  EXPECT_EQ(text_of(get_user()).find("secret"), std::string::npos);
  EXPECT_EQ(json_of(get_user()).find("secret"), std::string::npos);
}

TEST(AccessText, escapes_what_could_forge_a_line_or_speak_to_the_terminal) {
  AccessRecord record = get_user();
  record.path = "/a b\r\n\x1b[31m\\x\x7f\xff";
  record.reason = "un der\n\xc2\x9b\xe2\x80\xae ok";
  const std::string text = text_of(record);
  EXPECT_NE(text.find(R"( /a\x20b\x0d\x0a\x1b[31m\\x\x7f\xff )"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with(" un der\\x0a\\xc2\\x9b\\xe2\\x80\\xae ok\n")) << text;
}

TEST(AccessText, keeps_letters_of_every_language) {
  AccessRecord record = get_user();
  record.reason = "Bücher 書籍 📚";
  EXPECT_TRUE(text_of(record).ends_with(" Bücher 書籍 📚\n"));
}

TEST(AccessText, shows_durations_with_about_three_digits) {
  const auto shown = [](Duration duration) {
    ByteBuffer out;
    append_short_duration(out, duration);
    return std::string(out.view());
  };
  EXPECT_EQ(shown(microseconds(850)), "850us");
  EXPECT_EQ(shown(microseconds(9'999)), "9.99ms");
  EXPECT_EQ(shown(microseconds(45'678)), "45.6ms");
  EXPECT_EQ(shown(milliseconds(789)), "789ms");
  EXPECT_EQ(shown(milliseconds(1'050)), "1.05s");
  EXPECT_EQ(shown(seconds(1234)), "1234s");
  EXPECT_EQ(shown(-seconds(1)), "0us");
}

TEST(AccessJson, is_one_object_a_line) {
  EXPECT_EQ(json_of(get_user()),
            R"({"time":"2026-09-21T14:13:20.007Z","client":"127.0.0.1","http":"HTTP/1.1",)"
            R"("verb":"GET","path":"/v1/users/42","protocol":"rest",)"
            R"("method":"shop.v1.Users.GetUser","route":"/v1/users/{id}","status":200,"code":"OK",)"
            R"("request_bytes":0,"response_bytes":296,"duration_ms":1.234,)"
            R"("endpoint":"127.0.0.1:50051","request_id":"4f2a"})"
            "\n");
}

TEST(AccessJson, leaves_out_what_is_not_known) {
  EXPECT_EQ(json_of({}),
            R"({"time":"1970-01-01T00:00:00.000Z","request_bytes":0,"response_bytes":0,)"
            R"("duration_ms":0.000})"
            "\n");
}

TEST(AccessJson, says_how_a_request_failed) {
  AccessRecord record;
  record.reset = true;
  record.limit = "http.header_bytes_max";
  record.reason = "too large";
  EXPECT_TRUE(json_of(record).ends_with(
      R"("reset":true,"limit":"http.header_bytes_max","reason":"too large"})"
      "\n"));
}

TEST(AccessJson, escapes_strings) {
  AccessRecord record;
  record.reason = "a\"b\\c\x01\n\xff\xc2\x9b\xe2\x80\xa8\xe2\x81\xa6 é";
  EXPECT_NE(json_of(record).find(R"("a\"b\\c\u0001\u000a\ufffd\u009b\u2028\u2066 é")"),
            std::string::npos)
      << json_of(record);
}

TEST(AccessRecord, lines_stay_within_one_write_of_a_pipe) {
  const std::string hostile(100'000, '\x01');
  const std::string plain(100'000, 'x');
  for (const std::string& text : {hostile, plain}) {
    const AccessRecord record{.time = WallTime(seconds(1'790'000'000)),
                              .client = text,
                              .http = text,
                              .verb = text,
                              .path = text,
                              .protocol = text,
                              .method = text,
                              .route = text,
                              .status = 65535,
                              .code = Code::FailedPrecondition,
                              .code_known = true,
                              .reset = true,
                              .request_bytes = UINT64_MAX,
                              .response_bytes = UINT64_MAX,
                              .duration = Duration::max(),
                              .endpoint = text,
                              .request_id = text,
                              .limit = text,
                              .reason = text};
    EXPECT_LE(text_of(record).size(), kLineBytesMax);
    EXPECT_LE(json_of(record).size(), kLineBytesMax);
    EXPECT_NE(text_of(record).find("... "), std::string::npos);
    EXPECT_NE(json_of(record).find("...\""), std::string::npos);
  }
}

TEST(AccessRecord, needs_no_memory_once_the_buffer_is_large_enough) {
  ByteBuffer out(kLineBytesMax);
  const char* const before = out.data();
  render_text(get_user(), out);
  out.clear();
  render_json(get_user(), out);
  EXPECT_EQ(out.data(), before);
}

}  // namespace
}  // namespace parley::observe
