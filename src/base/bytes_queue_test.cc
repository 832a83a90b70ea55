#include "base/bytes_queue.h"

#include <string>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(BytesQueue, keeps_the_order_of_a_queue_that_is_never_empty) {
  BytesQueue queue;
  size_t pushed = 0;
  size_t popped = 0;
  for (; pushed < 100; ++pushed) queue.push(Bytes::copy(std::to_string(pushed)));
  while (popped < 10'000) {
    ASSERT_EQ(queue.pop().view(), std::to_string(popped++));
    queue.push(Bytes::copy(std::to_string(pushed++)));
  }
  while (!queue.empty()) ASSERT_EQ(queue.pop().view(), std::to_string(popped++));
  EXPECT_EQ(popped, pushed);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(BytesQueue, merges_crumbs) {
  BytesQueue queue;
  std::string pushed;
  for (size_t i = 0; i < 100'000; ++i) {
    const char crumb = static_cast<char>('a' + i % 26);
    pushed += crumb;
    queue.push(Bytes::copy({&crumb, 1}));
  }
  EXPECT_EQ(queue.size(), pushed.size());
  std::string popped;
  size_t chunks = 0;
  for (; !queue.empty(); ++chunks) popped += queue.pop().view();
  EXPECT_EQ(popped, pushed);
  EXPECT_LT(chunks, pushed.size() / 32);
}

TEST(BytesQueue, gives_parts_of_a_chunk) {
  BytesQueue queue;
  queue.push(Bytes::copy("hello"));
  queue.push(Bytes::copy("world"));
  EXPECT_EQ(queue.pop_up_to(2).view(), "he");
  EXPECT_EQ(queue.pop_up_to(100).view(), "llo");
  EXPECT_EQ(queue.size(), 5u);
  queue.clear();
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace parley
