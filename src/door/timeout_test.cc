#include "door/timeout.h"

#include <gtest/gtest.h>

namespace parley::door {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(GrpcTimeout, has_six_units) {
  EXPECT_EQ(parse_grpc_timeout("1H"), hours(1));
  EXPECT_EQ(parse_grpc_timeout("2M"), minutes(2));
  EXPECT_EQ(parse_grpc_timeout("3S"), seconds(3));
  EXPECT_EQ(parse_grpc_timeout("4m"), milliseconds(4));
  EXPECT_EQ(parse_grpc_timeout("5u"), microseconds(5));
  EXPECT_EQ(parse_grpc_timeout("00000006n"), nanoseconds(6));
  EXPECT_EQ(parse_grpc_timeout("0S"), seconds(0));
}
TEST(GrpcTimeout, is_never_longer_than_time_can_be) {
  EXPECT_EQ(parse_grpc_timeout("99999999H"), Duration::max());
}
TEST(GrpcTimeout, refuses_everything_else) {
  for (const char* text :
       {"", "S", "1", "1s", "1h", "123456789S", "-1S", "+1S", "1.5S", " 1S", "1S ", "1SS", "0x1S"})
    EXPECT_EQ(parse_grpc_timeout(text), std::nullopt) << text;
}

TEST(RequestTimeout, is_in_seconds_or_milliseconds) {
  EXPECT_EQ(parse_request_timeout("2"), seconds(2));
  EXPECT_EQ(parse_request_timeout("2.5"), milliseconds(2500));
  EXPECT_EQ(parse_request_timeout("0.000000001"), nanoseconds(1));
  EXPECT_EQ(parse_request_timeout("250ms"), milliseconds(250));
  EXPECT_EQ(parse_request_timeout("0.5ms"), microseconds(500));
  EXPECT_EQ(parse_request_timeout("0"), seconds(0));
  EXPECT_EQ(parse_request_timeout("999999999"), seconds(999999999));
}
TEST(RequestTimeout, refuses_everything_else) {
  for (const char* text : {"", ".5", "5.", "1s", "1 ms", "ms", "-1", "+1", "1e3", "1,5", "1.2.3",
                           "1234567890", "0.1234567890", " 1", "inf", "1.ms"})
    EXPECT_EQ(parse_request_timeout(text), std::nullopt) << text;
}

class Deadline : public testing::Test {
 protected:
  Result<Instant> deadline(bool rest = true) const {
    return call_deadline(request, start, method, settings, rest);
  }
  const Instant start{seconds(100)};
  Fields request;
  contract::Method method;
  Settings settings;
};

TEST_F(Deadline, is_the_default_for_unary_methods) {
  EXPECT_EQ(*deadline(), start + seconds(60));
  settings.unary_timeout_default = seconds(5);
  EXPECT_EQ(*deadline(), start + seconds(5));
}
TEST_F(Deadline, is_never_for_streams) {
  method.server_streaming = true;
  EXPECT_EQ(*deadline(), kNever);
}
TEST_F(Deadline, is_what_the_client_asks_for_even_beyond_the_default) {
  request.add("x-request-timeout", "90");
  EXPECT_EQ(*deadline(), start + seconds(90));
}
TEST_F(Deadline, is_the_smallest_of_all) {
  request.add("grpc-timeout", "9S");
  request.add("x-request-timeout", "8");
  EXPECT_EQ(*deadline(), start + seconds(8));
  settings.timeout = seconds(7);
  EXPECT_EQ(*deadline(), start + seconds(7));
}
TEST_F(Deadline, does_not_look_at_the_rest_header_over_grpc) {
  request.add("x-request-timeout", "nonsense");
  EXPECT_EQ(*deadline(false), start + seconds(60));
}
TEST_F(Deadline, refuses_a_bad_value_by_its_name) {
  request.add("grpc-timeout", "soon");
  const auto result = deadline();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().reason(), Reason::TimeoutInvalid);
  EXPECT_EQ(result.error().violations()[0].field, "grpc-timeout");
}
TEST_F(Deadline, has_passed_when_the_timeout_is_zero) {
  request.add("x-request-timeout", "0ms");
  EXPECT_EQ(deadline().error().reason(), Reason::DeadlineExpired);
}

}  // namespace
}  // namespace parley::door
