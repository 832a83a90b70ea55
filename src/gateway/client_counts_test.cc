#include "gateway/client_counts.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace parley::gateway {
namespace {

TEST(ConnectionCount, has_as_many_places_as_it_is_asked_for) {
  ConnectionCount count;
  auto first = count.take(2);
  const auto second = count.take(2);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(count.take(2));
  EXPECT_TRUE(count.take(3)) << "a larger limit, from now on";
  first.reset();
  EXPECT_TRUE(count.take(2));
}

TEST(ConnectionCount, takes_a_moved_place_back_once) {
  ConnectionCount count;
  {
    auto first = count.take(1);
    const ConnectionCount::Place moved = *std::move(first);
    EXPECT_FALSE(count.take(1));
  }
  const auto second = count.take(1);
  EXPECT_TRUE(second);
  EXPECT_FALSE(count.take(1));
}

TEST(ConnectionCount, is_exact_over_threads) {
  constexpr size_t kMax = 100;
  constexpr size_t kThreads = 4;
  ConnectionCount count;
  std::vector<std::vector<ConnectionCount::Place>> places(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& own : places) {
      threads.emplace_back([&] {
        while (auto place = count.take(kMax)) own.push_back(*std::move(place));
      });
    }
  }
  size_t all = 0;
  for (const auto& own : places) all += own.size();
  EXPECT_EQ(all, kMax);
}

}  // namespace
}  // namespace parley::gateway
