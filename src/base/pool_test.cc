#include "base/pool.h"

#include <cstring>
#include <thread>

#include <gtest/gtest.h>

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

TEST(Pool, frees_nothing_for_no_block) { pool_free(nullptr, 0); }

}  // namespace
}  // namespace parley
