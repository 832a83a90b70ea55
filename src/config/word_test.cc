#include "config/word.h"

#include <gtest/gtest.h>

namespace parley::config {
namespace {

using namespace std::chrono_literals;

TEST(Duration, is_read_in_one_or_more_units) {
  EXPECT_EQ(read_duration("250ms"), Duration(250ms));
  EXPECT_EQ(read_duration("5s"), Duration(5s));
  EXPECT_EQ(read_duration("1m30s"), Duration(90s));
  EXPECT_EQ(read_duration("1h2m3s4ms5us6ns"),
            Duration(1h + 2min + 3s + 4ms + 5us + std::chrono::nanoseconds(6)));
  EXPECT_EQ(read_duration("0s"), Duration(0));
}

TEST(Duration, needs_a_unit_and_falling_units) {
  for (const char* text : {"", "5", "s", "5x", "5 s", "-5s", "1.5s", "5s1m", "1m1m", "5S", "1m30"})
    EXPECT_FALSE(read_duration(text)) << text;
}

TEST(Duration, is_bounded_by_its_type) {
  EXPECT_TRUE(read_duration("2562047h"));
  EXPECT_FALSE(read_duration("2562048h"));
  EXPECT_FALSE(read_duration("2562047h48m"));
  EXPECT_FALSE(read_duration("99999999999999999999s"));
}

TEST(Duration, is_shown_as_it_can_be_read) {
  for (const Duration value : {Duration(0), Duration(1), Duration(250ms), Duration(90s),
                               Duration(24h), Duration(1h + 1ms)})
    EXPECT_EQ(read_duration(show_duration(value)), value) << show_duration(value);
  EXPECT_EQ(show_duration(90s), "1m30s");
}

TEST(Size, is_read_with_and_without_a_unit) {
  EXPECT_EQ(read_bytes("65536"), 65536u);
  EXPECT_EQ(read_bytes("1B"), 1u);
  EXPECT_EQ(read_bytes("64KiB"), 65536u);
  EXPECT_EQ(read_bytes("4MiB"), 4u << 20);
  EXPECT_EQ(read_bytes("1GiB"), 1u << 30);
}

TEST(Size, knows_no_other_units) {
  for (const char* text : {"", "KiB", "64kB", "64 KiB", "64K", "-1", "1.5MiB", "9999999999GiB"})
    EXPECT_FALSE(read_bytes(text)) << text;
}

TEST(Size, is_shown_in_the_largest_exact_unit) {
  EXPECT_EQ(show_bytes(65536), "64KiB");
  EXPECT_EQ(show_bytes(65537), "65537");
  EXPECT_EQ(show_bytes(0), "0");
  EXPECT_EQ(show_bytes(1u << 30), "1GiB");
}

TEST(Count, is_digits_within_its_range) {
  const auto word = count<uint16_t>(1, 1000);
  EXPECT_EQ(word.read("1000"), 1000u);
  EXPECT_EQ(word.read("0").error().what, "`0` is out of range");
  EXPECT_EQ(word.read("1001").error().remedy, "write 1 to 1000");
  EXPECT_EQ(word.read("1e3").error().what, "`1e3` is no number");
  EXPECT_EQ(word.read("99999999999999999999").error().what, "`99999999999999999999` is no number");
}

TEST(Choice, suggests_the_nearest_name) {
  const Wrong wrong = log_format().read("jsn").error();
  EXPECT_EQ(wrong.what, "`jsn` is none of text, json, off");
  EXPECT_EQ(wrong.remedy, "did you mean `json`?");
  EXPECT_EQ(log_format().read("loud").error().remedy, "write text or json or off");
}

TEST(ListenAddress, takes_literals_and_localhost) {
  EXPECT_EQ(listen_address().read("127.0.0.1:8080"), "127.0.0.1:8080");
  EXPECT_EQ(listen_address().read("[::1]:0"), "[::1]:0");
  EXPECT_EQ(listen_address().read("unix:/run/parley.sock"), "unix:/run/parley.sock");
  EXPECT_EQ(listen_address().read("localhost:8080"), "127.0.0.1:8080");
}

TEST(ListenAddress, asks_which_address_when_only_a_port_is_given) {
  EXPECT_EQ(listen_address().read(":8080").error().remedy,
            "write 127.0.0.1:8080, or 0.0.0.0:8080 for every address");
  EXPECT_FALSE(listen_address().read("8080"));
  EXPECT_FALSE(listen_address().read("example.com:80"));
  EXPECT_FALSE(listen_address().read("127.0.0.1:70000"));
}

TEST(AdminAddress, may_be_off) { EXPECT_EQ(admin_address().read("off"), "off"); }

TEST(Endpoint, takes_names_literals_and_sockets) {
  for (const char* text : {"users:50051", "10.0.0.1:50051", "[::1]:50051", "unix:/run/users.sock",
                           "dns:///users.internal:50051"})
    EXPECT_EQ(endpoint().read(text), text);
}

TEST(Endpoint, needs_a_port_that_can_be_connected_to) {
  for (const char* text : {"", "users", "users:", "users:0", "users:x", "dns:///users",
                           "unix:", "http://users:50051", "dns://8.8.8.8/users:50051"})
    EXPECT_FALSE(endpoint().read(text)) << text;
}

TEST(Selector, is_a_name_that_may_end_in_a_star) {
  for (const char* text : {"*", "shop.v1.*", "shop.v1.Orders", "shop.v1.Orders.Create", "Orders"})
    EXPECT_TRUE(selector().read(text)) << text;
  for (const char* text : {"", ".", "shop..v1", "shop.v1.", "*.Orders", "shop.*.Orders", "shop.v1*",
                           "a/b", "shop.v1.Create Order", "9.v1"})
    EXPECT_FALSE(selector().read(text)) << text;
}

TEST(FieldName, is_lower_cased) {
  EXPECT_EQ(field_name().read("X-Tenant-*"), "x-tenant-*");
  EXPECT_FALSE(field_name().read("a b"));
  EXPECT_FALSE(field_name().read(""));
}

TEST(Threads, are_a_number_or_auto) {
  EXPECT_EQ(threads().read("auto"), 0u);
  EXPECT_EQ(threads().read("4"), 4u);
  EXPECT_FALSE(threads().read("0"));
  EXPECT_EQ(threads().show(0), "auto");
}

}  // namespace
}  // namespace parley::config
