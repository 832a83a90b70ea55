#include "gateway/memory_relief.h"

#include <gtest/gtest.h>

namespace parley::gateway {
namespace {

constexpr size_t kKiB = 1 << 10;
constexpr size_t kMiB = 1 << 20;
constexpr int kMinute = 60;  // looks

PoolUse all_needed(size_t bytes) { return {.taken = bytes, .needed = bytes}; }

// How often memory is given back in so many looks.
int reliefs(MemoryRelief& relief, int looks, const PoolUse& use, size_t connections) {
  int count = 0;
  for (int i = 0; i < looks; ++i) count += relief.is_over(use, connections);
  return count;
}

TEST(MemoryRelief, gives_back_once_after_a_burst_of_connections) {
  MemoryRelief relief;
  EXPECT_EQ(reliefs(relief, kMinute, all_needed(300 * kKiB), 208), 0);
  EXPECT_EQ(reliefs(relief, 5, all_needed(20 * kKiB), 0), 1);
  EXPECT_EQ(reliefs(relief, 10 * kMinute, all_needed(20 * kKiB), 0), 0);
}

TEST(MemoryRelief, gives_back_after_a_burst_of_streams_on_connections_that_stay) {
  MemoryRelief relief;
  EXPECT_EQ(reliefs(relief, 2, all_needed(180 * kMiB), 20), 0);
  EXPECT_EQ(reliefs(relief, 5, all_needed(kMiB), 20), 1);
}

TEST(MemoryRelief, gives_back_after_a_burst_between_two_looks) {
  MemoryRelief relief;
  EXPECT_EQ(reliefs(relief, 10, all_needed(20 * kKiB), 1), 0);
  relief.saw(1000);
  EXPECT_EQ(reliefs(relief, 5, all_needed(20 * kKiB), 1), 1);
}

TEST(MemoryRelief, gives_back_what_the_lists_keep_and_nobody_needs) {
  MemoryRelief relief;
  EXPECT_EQ(reliefs(relief, 1, all_needed(6 * kMiB), 1), 0);
  EXPECT_EQ(reliefs(relief, 3, {.taken = 6 * kMiB, .needed = kMiB}, 1), 1);
}

TEST(MemoryRelief, gives_a_little_back_after_a_while) {
  MemoryRelief relief;
  EXPECT_EQ(reliefs(relief, 1, all_needed(200 * kKiB), 0), 0);
  EXPECT_EQ(reliefs(relief, 10, all_needed(20 * kKiB), 0), 0);
  EXPECT_EQ(reliefs(relief, kMinute, all_needed(20 * kKiB), 0), 1);
}

TEST(MemoryRelief, gives_back_what_is_left_when_a_burst_ebbs_away) {
  MemoryRelief relief;
  int count = 0;
  size_t connections = 400;
  for (; connections > 0; connections -= 4) count += reliefs(relief, 1, all_needed(0), connections);
  EXPECT_LT(count, 10);
  EXPECT_EQ(reliefs(relief, kMinute, all_needed(0), 0), 1);
}

TEST(MemoryRelief, leaves_a_load_alone_that_goes_up_and_down) {
  MemoryRelief relief;
  reliefs(relief, 1, all_needed(100 * kMiB), 100);
  for (int i = 0; i < kMinute; ++i) {
    EXPECT_EQ(reliefs(relief, 1, all_needed(60 * kMiB), 60), 0) << "above half of the peak";
    EXPECT_EQ(reliefs(relief, 2, all_needed(0), 0), 0) << "a pause";
    EXPECT_EQ(reliefs(relief, 1, all_needed(100 * kMiB), 100), 0);
  }
}

}  // namespace
}  // namespace parley::gateway
