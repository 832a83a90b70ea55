#include "net/write_queue.h"

#include <string>

#include <gtest/gtest.h>

namespace parley::net {
namespace {

std::string gathered(const WriteQueue& queue) {
  WriteQueue::Gathered entries;
  queue.gather(entries);
  std::string text;
  for (size_t i = 0; i < entries.count; ++i) {
    text.append(static_cast<const char*>(entries.entries[i].iov_base), entries.entries[i].iov_len);
  }
  EXPECT_EQ(text.size(), entries.bytes);
  return text;
}

size_t entries_of(const WriteQueue& queue) {
  WriteQueue::Gathered entries;
  queue.gather(entries);
  return entries.count;
}

TEST(WriteQueue, small_chunks_share_one_entry) {
  WriteQueue queue;
  for (int i = 0; i < 100; ++i) queue.push(Bytes::copy("frame;"));
  EXPECT_EQ(entries_of(queue), 1u);
  EXPECT_EQ(queue.size(), 600u);
}

TEST(WriteQueue, large_chunks_are_not_copied) {
  WriteQueue queue;
  const Bytes large = Bytes::copy(std::string(WriteQueue::kSmallMax + 1, 'x'));
  queue.push(Bytes::copy("head"));
  queue.push(large);
  queue.push(Bytes::copy("tail"));
  WriteQueue::Gathered entries;
  queue.gather(entries);
  ASSERT_EQ(entries.count, 3u);
  EXPECT_EQ(entries.entries[1].iov_base, large.data());
  EXPECT_EQ(gathered(queue), "head" + std::string(large.view()) + "tail");
}

TEST(WriteQueue, keeps_the_order_whatever_part_leaves) {
  for (const size_t step : {size_t{997}, size_t{4096}, size_t{30'000}}) {
    WriteQueue queue;
    std::string expected;
    std::string left;
    for (size_t i = 0; i < 150; ++i) {
      const std::string part(i * 37 % 3000, static_cast<char>('a' + i % 26));
      expected += part;
      queue.push(Bytes::copy(part));
      if (i % 3 != 0) continue;
      const std::string part_left = gathered(queue).substr(0, step);
      left += part_left;
      queue.drop(part_left.size());
      EXPECT_EQ(queue.size(), expected.size() - left.size());
    }
    while (!queue.empty()) {
      const std::string part = gathered(queue).substr(0, step);
      ASSERT_FALSE(part.empty());
      left += part;
      queue.drop(part.size());
    }
    EXPECT_TRUE(left == expected) << step;
  }
}

TEST(WriteQueue, gathers_at_most_its_limit) {
  WriteQueue queue;
  for (size_t i = 0; i < 2 * WriteQueue::kGatherMax; ++i)
    queue.push(Bytes::copy(std::string(WriteQueue::kSmallMax + 1, 'x')));
  queue.push(Bytes::copy("tail"));
  EXPECT_EQ(entries_of(queue), WriteQueue::kGatherMax);
}

TEST(WriteQueue, clearing_empties_it) {
  WriteQueue queue;
  queue.push(Bytes::copy("x"));
  queue.push(Bytes::copy(std::string(5000, 'x')));
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(entries_of(queue), 0u);
  queue.push(Bytes());
  EXPECT_TRUE(queue.empty());
  queue.push(Bytes::copy("again"));
  EXPECT_EQ(gathered(queue), "again");
}

}  // namespace
}  // namespace parley::net
