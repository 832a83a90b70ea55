#include "wire/wire_reader.h"

#include <gtest/gtest.h>

#include "wire/table_fake.h"
#include "wire/wire_writer.h"

namespace parley::wire {
namespace {

TEST(WireReader, reads_varints_of_all_lengths_wherever_the_bytes_end) {
  for (unsigned bits = 0; bits <= 64; ++bits) {
    for (const uint64_t value : {bits < 64 ? uint64_t{1} << bits : ~uint64_t{0},
                                 bits < 64 ? (uint64_t{1} << bits) - 1 : uint64_t{1} << 63}) {
      char varint[kVarintMax];
      const std::string text(varint, put_varint(varint, value));
      for (const size_t behind : {0u, 1u, 20u}) {
        const std::string wire = text + std::string(behind, '\xFF');
        WireReader reader(wire);
        EXPECT_EQ(reader.varint(), value);
        EXPECT_EQ(reader.position(), wire.data() + text.size());
        EXPECT_FALSE(reader.failed());
      }
    }
  }
}

TEST(WireReader, refuses_varints_that_are_too_long_or_cut_off) {
  const std::string nine(9, '\xFF');
  for (const std::string& varint : {nine + "\x02", nine + "\x80", nine + "\xFF\x01"}) {
    for (const size_t behind : {0u, 20u}) {
      const std::string wire = varint + std::string(behind, 'x');
      WireReader reader(wire);
      (void)reader.varint();
      EXPECT_TRUE(reader.failed());
    }
  }
  for (size_t size = 0; size < nine.size(); ++size) {
    WireReader reader(std::string_view(nine).substr(0, size));
    (void)reader.varint();
    EXPECT_TRUE(reader.failed());
  }
}

TEST(WireReader, varints_come_back_at_every_size) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const uint64_t value :
         {uint64_t{1} << bit, (uint64_t{1} << bit) - 1, ~uint64_t{0} >> bit}) {
      ByteBuffer out;
      append_varint_field(out, 1, value);
      EXPECT_EQ(out.size(), 1 + varint_size(value));
      WireReader reader(out.view());
      ASSERT_TRUE(reader.next());
      EXPECT_EQ(reader.varint(), value);
      EXPECT_TRUE(reader.at_end() && !reader.failed());
    }
  }
}

TEST(WireReader, zigzag_comes_back) {
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{1}, INT64_MIN, INT64_MAX})
    EXPECT_EQ(zigzag_decode(zigzag_encode(value)), value);
}

TEST(WireReader, skips_every_wire_type) {
  const std::string wire = from_hex(
      "08 01 11 00 00 00 00 00 00 00 00 1a 02 00 00 23 08 01 2b 2c 24 35 00 00 00 00 38 07");
  WireReader reader(wire);
  uint64_t last = 0;
  while (reader.next()) {
    if (reader.number() == 7)
      last = reader.varint();
    else
      reader.skip();
  }
  EXPECT_FALSE(reader.failed());
  EXPECT_EQ(last, 7u);
}

TEST(WireReader, failed_reader_stays_failed) {
  const std::string wire = from_hex("0a 05 61");
  WireReader reader(wire);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.bytes(), "");
  EXPECT_TRUE(reader.failed());
  EXPECT_FALSE(reader.next());
}

TEST(WireReader, group_is_its_content) {
  const std::string wire = from_hex("0b 08 01 13 14 0c 10 02");
  WireReader reader(wire);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(to_hex(reader.group()), "08 01 13 14");
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.number(), 2u);
}

TEST(WireReader, other_wire_types_leave_the_fallback) {
  const std::string wire = from_hex("0a 01 61 10 05");
  WireReader reader(wire);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.varint_or(9), 9u);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.bytes_or("x"), "x");
  EXPECT_TRUE(reader.at_end());
}

}  // namespace
}  // namespace parley::wire
