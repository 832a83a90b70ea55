#include "wire/rpc_status.h"

#include <gtest/gtest.h>

#include "wire/table_fake.h"

namespace parley::wire {
namespace {

using std::chrono::nanoseconds;

TEST(RpcStatus, is_read_as_written) {
  const RpcStatus status{5, "not here", {{"type.googleapis.com/a.B", "\x08\x01"}, {"x/c.D", ""}}};
  const auto again = read_rpc_status(write_rpc_status(status));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->code, 5u);
  EXPECT_EQ(again->message, "not here");
  EXPECT_EQ(again->details, status.details);
}

TEST(RpcStatus, damage_is_a_failure) {
  for (const auto* hex : {"08", "12 05 61", "1a 02 0a 05", "00", "ff"}) {
    const auto failed = read_rpc_status(from_hex(hex));
    ASSERT_FALSE(failed) << hex;
    EXPECT_EQ(failed.error().reason(), Reason::UpstreamMalformed);
  }
}

TEST(RpcStatus, unknown_fields_and_bad_text_do_no_harm) {
  const auto status = read_rpc_status(from_hex("20 01 08 03 12 02 61 ff 2a 01 00"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->code, 3u);
  EXPECT_EQ(status->message, "a\xEF\xBF\xBD");
}

TEST(RpcStatus, of_a_failure_has_its_violations_and_delay) {
  Failure failure(Reason::QueryInvalid, "bad");
  failure.violation("age", "too old").retry_after(std::chrono::milliseconds(1500));
  const RpcStatus status = rpc_status_of(failure);
  EXPECT_EQ(status.code, 3u);
  const AnyDetail* const bad = find_detail(status.details, "google.rpc.BadRequest");
  ASSERT_NE(bad, nullptr);
  EXPECT_EQ(read_bad_request(bad->value), (std::vector<FieldViolation>{{"age", "too old"}}));
  const AnyDetail* const retry = find_detail(status.details, "google.rpc.RetryInfo");
  ASSERT_NE(retry, nullptr);
  EXPECT_EQ(read_retry_info(retry->value), nanoseconds(1'500'000'000));
}

TEST(RpcStatus, details_are_found_by_their_whole_name) {
  const AnyDetail details[] = {{"x/my.google.rpc.BadRequest", ""}, {"google.rpc.BadRequest", ""}};
  EXPECT_EQ(find_detail(details, "google.rpc.BadRequest"), nullptr);
}

TEST(RpcStatus, retry_info_of_any_bytes_is_a_delay_or_none) {
  EXPECT_EQ(read_retry_info(""), std::nullopt);
  EXPECT_EQ(read_retry_info(from_hex("0a 00")), nanoseconds(0));
  EXPECT_EQ(read_retry_info(from_hex("0a 02 08 02")), nanoseconds(2'000'000'000));
  EXPECT_EQ(read_retry_info(from_hex("0a 0b 08 ff ff ff ff ff ff ff ff ff 01")), std::nullopt);
  EXPECT_EQ(read_retry_info(from_hex("0a 05 08")), std::nullopt);
  EXPECT_EQ(read_retry_info(retry_info_detail(nanoseconds(-5)).value), nanoseconds(0));
}

TEST(RpcStatus, bad_request_leaves_out_what_is_damaged) {
  EXPECT_TRUE(read_bad_request(from_hex("0a 02 0a 05")).empty());
  EXPECT_EQ(read_bad_request(from_hex("0a 03 0a 01 61 10 01")).size(), 1u);
}

}  // namespace
}  // namespace parley::wire
