#include "base/pool.h"

#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/pool_use.h"

namespace parley {
namespace {

TEST(Pool, gives_blocks_of_every_size) {
  for (size_t size = 0; size < 10'000; size += 7) {
    void* const block = pool_allocate(size);
    ASSERT_NE(block, nullptr);
    EXPECT_GE(pool_capacity(size), size);
    std::memset(block, 0xA5, pool_capacity(size));
    pool_free(block, size);
  }
}

TEST(Pool, keeps_the_content_of_a_block_that_grows_or_shrinks) {
  size_t size = 10;
  auto* block = static_cast<char*>(pool_allocate(size));
  std::memcpy(block, "0123456789", 10);
  for (const size_t wanted : {64u, 65u, 3000u, 4000u, 100'000u, 5000u, 700u, 10u}) {
    block = static_cast<char*>(pool_reallocate(block, size, wanted));
    size = wanted;
    EXPECT_EQ(std::memcmp(block, "0123456789", 10), 0) << wanted;
  }
  pool_free(block, size);
}

TEST(Pool, takes_blocks_of_another_thread) {
  void* block = nullptr;
  std::thread([&] { block = pool_allocate(100); }).join();
  pool_free(block, 100);
  pool_release();
}

TEST(Pool, tells_what_was_taken_and_what_of_it_was_needed_since_the_last_look) {
  pool_release();
  const size_t before = pool_look().taken;
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(pool_allocate(1000));
  void* const large = pool_reallocate(pool_allocate(10'000), 10'000, 20'000);
  const PoolUse busy = pool_look();
  EXPECT_GE(busy.taken, before + 30'000);
  EXPECT_GE(busy.needed, before + 30'000);
  for (void* block : blocks) pool_free(block, 1000);
  pool_free(large, 20'000);
  pool_look();
  EXPECT_EQ(pool_look().needed, before) << "the lists are full, and nobody asked for anything";
  for (void*& block : blocks) block = pool_allocate(1000);
  for (void* block : blocks) pool_free(block, 1000);
  EXPECT_GE(pool_look().needed, before + 10'000) << "in use between two looks";
  pool_release();
  EXPECT_EQ(pool_look().taken, before);
}

TEST(Pool, is_not_confused_by_blocks_that_another_thread_has_taken) {
  pool_release();
  void* block = nullptr;
  std::thread([&] { block = pool_allocate(1 << 20); }).join();
  pool_free(block, 1 << 20);
  const PoolUse use = pool_look();
  EXPECT_LT(use.taken, 1u << 20);
  EXPECT_LE(use.needed, use.taken);
}

TEST(Pool, frees_nothing_for_no_block) { pool_free(nullptr, 0); }

}  // namespace
}  // namespace parley
