#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/arena.h"
#include "base/avx2.h"
#include "base/base64.h"
#include "base/bytes.h"
#include "base/percent.h"
#include "base/random.h"
#include "base/result.h"
#include "base/utf8.h"

namespace parley {
namespace {

TEST(Bytes, slices_share_memory_and_outlive_the_whole) {
  Bytes part;
  {
    const Bytes whole = Bytes::copy("hello world");
    part = whole.slice(6, 5);
  }
  EXPECT_EQ(part.view(), "world");
  EXPECT_TRUE(Bytes().empty());
}

TEST(Bytes, have_readable_padding_after_the_end) {
  ByteBuffer buffer;
  buffer.append("abc");
  const Bytes bytes = buffer.take();
  unsigned sum = 0;
  for (size_t i = 0; i < kBytesPadding; ++i)
    sum += static_cast<unsigned char>(bytes.data()[bytes.size() + i]);
  EXPECT_GE(sum, 0u);
  EXPECT_TRUE(buffer.empty());
}

TEST(ByteBuffer, grows_and_is_taken_without_copying) {
  ByteBuffer buffer;
  for (int i = 0; i < 1000; ++i) buffer.append("0123456789");
  const char* at = buffer.data();
  const Bytes bytes = buffer.take();
  EXPECT_EQ(bytes.size(), 10'000u);
  EXPECT_EQ(bytes.data(), at);
}

TEST(Arena, keeps_small_and_large_copies) {
  Arena arena;
  const auto small = arena.copy("small");
  const auto large = arena.copy(std::string(10'000, 'x'));
  EXPECT_EQ(small, "small");
  EXPECT_EQ(large.size(), 10'000u);
}

TEST(Base64, decodes_both_alphabets_padded_or_not) {
  EXPECT_EQ(base64_decode("+/+/", Base64::Either), base64_decode("-_-_", Base64::Either));
  EXPECT_EQ(base64_decode("YQ==", Base64::Standard), "a");
  EXPECT_EQ(base64_decode("YQ", Base64::Standard), "a");
  EXPECT_EQ(base64_decode("", Base64::Standard), "");
}

TEST(Base64, rejects_foreign_characters_and_bad_lengths) {
  EXPECT_EQ(base64_decode("not base64!", Base64::Standard), std::nullopt);
  EXPECT_EQ(base64_decode("-_-_", Base64::Standard), std::nullopt);
  EXPECT_EQ(base64_decode("Y", Base64::Either), std::nullopt);
  EXPECT_EQ(base64_decode("Y===", Base64::Either), std::nullopt);
  EXPECT_EQ(base64_decode("YQ=", Base64::Either), std::nullopt);
}

TEST(Base64, round_trips_every_length) {
  Random random(1);
  for (size_t size = 0; size < 100; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random.next());
    EXPECT_EQ(base64_decode(base64_encode(bytes), Base64::Standard), bytes);
  }
}

TEST(Percent, decodes_and_rejects_broken_escapes) {
  EXPECT_EQ(percent_decode("a%2Fb+c"), "a/b+c");
  EXPECT_EQ(percent_decode("a+b", Plus::Space), "a b");
  EXPECT_EQ(percent_decode("%zz"), std::nullopt);
  EXPECT_EQ(percent_decode("%2"), std::nullopt);
  EXPECT_EQ(percent_decode("%41"), "A");
}

TEST(Percent, keeps_broken_escapes_of_a_grpc_message_as_text) {
  EXPECT_EQ(grpc_message_decode("50%25 of%zz %"), "50% of%zz %");
  EXPECT_EQ(grpc_message_encode("50% \n"), "50%25 %0A");
}

TEST(Utf8, accepts_and_rejects_by_the_table) {
  EXPECT_TRUE(utf8_valid("plain ascii, long enough for words"));
  EXPECT_TRUE(utf8_valid("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
  EXPECT_FALSE(utf8_valid("\xC0\x80"));
  EXPECT_FALSE(utf8_valid("\xED\xA0\x80"));
  EXPECT_FALSE(utf8_valid("\xF4\x90\x80\x80"));
  EXPECT_FALSE(utf8_valid("abcdefgh\xE2\x82"));
  EXPECT_EQ(utf8_repaired("a\xFF"
                          "b"),
            "a\xEF\xBF\xBD"
            "b");
}

Result<int> half(int number) {
  if (number % 2 != 0) return Failure(Reason::QueryInvalid, "odd").violation("n", "is odd");
  return number / 2;
}
Result<int> quarter(int number) {
  TRY(first, half(number));
  TRY(second, half(first));
  return second;
}

// Long texts are looked at by wide registers: whatever ends up where, the answer is the same.
TEST(Utf8, long_texts_are_judged_as_short_ones) {
  const std::vector<std::string_view> parts = {
      "a", "plain ascii", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF",
      "\xEF\xBF\xBF",
      // From here on malformed: each kind of it.
      "\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3\xC3", "\xE0\x9F\xBF", "\xE2\x82",
      "\xE2\x82\x80\x80", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF0\x9F\x98", "\xF4\x90\x80\x80",
      "\xF5\x80\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF"};
  constexpr size_t kGood = 7;
  for (size_t before = 0; before < 70; ++before) {
    for (size_t i = 0; i < parts.size(); ++i) {
      for (const size_t behind : {0u, 1u, 40u}) {
        std::string text(before, 'x');
        text.append(parts[i]).append(behind, 'y').append(parts[i % kGood]);
        EXPECT_EQ(utf8_valid(text), i < kGood) << before << " " << i << " " << behind;
        EXPECT_EQ(utf8_valid(text), utf8_valid_prefix(text) == text.size());
      }
    }
  }
}

TEST(Utf8, long_texts_of_any_bytes_are_judged_as_short_ones) {
  Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const size_t size = 32 + random.below(96);
    while (text.size() < size) utf8_append(text, static_cast<uint32_t>(random.below(0x3000)));
    if (round % 2 == 0) text[random.below(text.size())] = static_cast<char>(random.below(256));
    EXPECT_EQ(utf8_valid(text), utf8_valid_prefix(text) == text.size());
  }
}

TEST(Avx2, finds_the_end_of_plain_text_in_json) {
  if (!avx2::available()) return;  // then nobody calls it
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t at = 0; at < 70; ++at) {
      std::string text(70 + 32, 'a');
      text[at] = static_cast<char>(byte);
      text[70] = '"';
      bool high = false;
      const bool stops = byte < 0x20 || byte == '"' || byte == '\\';
      EXPECT_EQ(avx2::json_plain_end(text.data(), text.data() + 70, high) - text.data(),
                static_cast<ptrdiff_t>(stops ? at : 70));
      EXPECT_EQ(high, byte >= 0x80);
    }
  }
}

TEST(Base64, long_texts_are_made_of_the_digits_of_short_ones) {
  Random random(8);
  for (size_t size = 0; size < 300; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    std::string digits;
    for (size_t at = 0; at < size; at += 3)
      digits += base64_encode(std::string_view(bytes).substr(at, 3));
    EXPECT_EQ(base64_encode(bytes), digits);
    EXPECT_EQ(base64_decode(digits, Base64::Standard), bytes);
    EXPECT_EQ(base64_decode(digits, Base64::Either), bytes);
    std::replace(digits.begin(), digits.end(), '+', '-');
    std::replace(digits.begin(), digits.end(), '/', '_');
    EXPECT_EQ(base64_decode(digits, Base64::Url), bytes);
    EXPECT_EQ(base64_decode(digits, Base64::Either), bytes);
  }
}

TEST(Base64, every_byte_in_a_long_text_is_a_digit_or_refused) {
  const std::string_view common = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  for (int byte = 0; byte < 256; ++byte) {
    for (const size_t at : {0u, 31u, 32u, 90u}) {
      std::string digits(96, 'A');
      digits[at] = static_cast<char>(byte);
      const bool both = common.find(digits[at]) != std::string_view::npos;
      const bool standard = both || byte == '+' || byte == '/';
      const bool url = both || byte == '-' || byte == '_';
      EXPECT_EQ(base64_decode(digits, Base64::Standard).has_value(), standard) << byte;
      EXPECT_EQ(base64_decode(digits, Base64::Url).has_value(), url) << byte;
      EXPECT_EQ(base64_decode(digits, Base64::Either).has_value(), standard || url) << byte;
    }
  }
}

TEST(Result, carries_the_failure_through_TRY) {
  EXPECT_EQ(*quarter(8), 2);
  const auto failed = quarter(6);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().http_status(), 400);
  EXPECT_EQ(failed.error().violations()[0].field, "n");
}

TEST(Failure, takes_its_status_from_the_reason_else_from_the_code) {
  EXPECT_EQ(Failure(Reason::RouteUnknown, "x").http_status(), 404);
  EXPECT_EQ(Failure(Code::AlreadyExists, "x").http_status(), 409);
  EXPECT_EQ(Failure::limit("http.url_bytes_max", "x").http_status(), 503);
  EXPECT_EQ(code_from_number(17), Code::Unknown);
  EXPECT_TRUE(Failure(Reason::HeadersTooLarge, "x").closes_connection());
}

}  // namespace
}  // namespace parley
