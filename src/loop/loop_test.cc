#include "loop/loop.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "loop/combine.h"
#include "loop/loop_fake.h"
#include "loop/task_set.h"

namespace parley::loop {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

Task<int> answer() { co_return 42; }
Task<int> doubled() { co_return co_await answer() * 2; }

Task<void> store(Task<int> task, int& to) { to = co_await task; }

TEST(Task, gives_its_value_to_who_awaits) {
  FakeLoop fake;
  TaskSet tasks(fake.loop);
  int result = 0;
  tasks.spawn(store(doubled(), result));
  EXPECT_EQ(result, 0) << "a task starts in the loop's turn";
  fake.loop.run_until_idle();
  EXPECT_EQ(result, 84);
  EXPECT_TRUE(tasks.empty());
}

struct Tracker {
  explicit Tracker(int& count) : count_(count) { ++count_; }
  ~Tracker() { --count_; }
  int& count_;
};

Task<void> wait_for(Signal& signal, int& alive, int& woken) {
  const Tracker tracker(alive);
  co_await signal.wait();
  ++woken;
}
Task<void> wait_outer(Signal& signal, int& alive, int& woken) {
  const Tracker tracker(alive);
  co_await wait_for(signal, alive, woken);
}

TEST(Task, destruction_cancels_the_whole_chain) {
  FakeLoop fake;
  Signal signal(fake.loop);
  int alive = 0;
  int woken = 0;
  {
    TaskSet tasks(fake.loop);
    tasks.spawn(wait_outer(signal, alive, woken));
    fake.loop.run_until_idle();
    EXPECT_EQ(alive, 2);
    EXPECT_TRUE(signal.awaited());
  }
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(signal.awaited());
  signal.notify();
  fake.loop.run_until_idle();
  EXPECT_EQ(woken, 0);
}

TEST(Task, destruction_after_it_became_ready_takes_it_out_of_the_queue) {
  FakeLoop fake;
  Signal signal(fake.loop);
  int alive = 0;
  int woken = 0;
  TaskSet tasks(fake.loop);
  const auto id = tasks.spawn(wait_for(signal, alive, woken));
  fake.loop.run_until_idle();
  signal.notify();
  tasks.cancel(id);
  fake.loop.run_until_idle();
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(alive, 0);
}

TEST(Signal, wakes_all_waiters_in_order) {
  FakeLoop fake;
  Signal signal(fake.loop);
  TaskSet tasks(fake.loop);
  int alive = 0;
  int woken = 0;
  for (int i = 0; i < 3; ++i) tasks.spawn(wait_for(signal, alive, woken));
  fake.loop.run_until_idle();
  signal.notify();
  EXPECT_EQ(woken, 0) << "not inside of notify";
  fake.loop.run_until_idle();
  EXPECT_EQ(woken, 3);
}

Task<void> sleep_then_log(Loop& loop, Duration duration, std::vector<int64_t>& log) {
  co_await sleep_for(loop, duration);
  log.push_back(std::chrono::duration_cast<milliseconds>(duration).count());
}

TEST(Timer, fire_in_order_over_all_levels_and_never_early) {
  FakeLoop fake;
  TaskSet tasks(fake.loop);
  std::vector<int64_t> log;
  for (const Duration d : {Duration(hours(30)), Duration(milliseconds(1)), Duration(seconds(5)),
                           Duration(milliseconds(64)), Duration(milliseconds(65)),
                           Duration(seconds(300)), Duration(hours(24 * 400))}) {
    tasks.spawn(sleep_then_log(fake.loop, d, log));
  }
  fake.loop.run_until_idle();
  EXPECT_TRUE(log.empty());
  fake.advance(milliseconds(64));
  EXPECT_EQ(log, (std::vector<int64_t>{1, 64}));
  fake.advance(seconds(4));
  EXPECT_EQ(log.size(), 3u);
  fake.advance(seconds(1));
  EXPECT_EQ(log.back(), 5000);
  fake.advance(hours(24 * 500));
  EXPECT_EQ(log.size(), 7u);
  EXPECT_EQ(log.back(), milliseconds(hours(24 * 400)).count());
}

TEST(Timer, wheel_agrees_with_a_sorted_list_for_random_timers) {
  struct Note final : Timer {
    void fire() override { fired->push_back(due()); }
    std::vector<Instant>* fired = nullptr;
  };
  Random random(7);
  const Instant start{seconds(1)};
  TimerWheel wheel(start);
  std::vector<Instant> fired;
  std::vector<std::unique_ptr<Note>> notes;
  Instant now = start;
  for (int round = 0; round < 2000; ++round) {
    auto note = std::make_unique<Note>();
    note->fired = &fired;
    const Duration ahead(
        static_cast<int64_t>(random.below(uint64_t{1} << (10 + random.below(40)))));
    wheel.add(*note, now + ahead);
    notes.push_back(std::move(note));
    now += Duration(static_cast<int64_t>(random.below(uint64_t{1} << (10 + random.below(24)))));
    const size_t before = fired.size();
    wheel.advance(now);
    for (size_t i = before; i < fired.size(); ++i) EXPECT_LE(fired[i], now);
    for (const auto& one : notes) EXPECT_TRUE(!one->linked() || one->due() > now - milliseconds(2));
  }
  wheel.advance(now + hours(24 * 365));
  EXPECT_EQ(fired.size(), 2000u);
  EXPECT_EQ(wheel.next(), kNever);
}

Task<Result<int>> slow(Loop& loop, Duration duration, int& alive) {
  const Tracker tracker(alive);
  co_await sleep_for(loop, duration);
  co_return 7;
}
Task<void> bounded(Loop& loop, Duration work, Duration limit, int& alive, std::string& result) {
  const auto got = co_await with_deadline(loop, slow(loop, work, alive), loop.now() + limit);
  result = got ? std::to_string(*got) : std::string(reason_row(got.error().reason()).name);
}

TEST(WithDeadline, gives_the_result_or_destroys_the_task) {
  FakeLoop fake;
  TaskSet tasks(fake.loop);
  int alive = 0;
  std::string early;
  std::string late;
  tasks.spawn(bounded(fake.loop, seconds(1), seconds(2), alive, early));
  tasks.spawn(bounded(fake.loop, seconds(3), seconds(2), alive, late));
  fake.loop.run_until_idle();
  EXPECT_EQ(alive, 2);
  fake.advance(seconds(1));
  EXPECT_EQ(early, "7");
  fake.advance(seconds(1));
  EXPECT_EQ(late, "deadline_expired");
  EXPECT_EQ(alive, 0);
}

Task<void> under_curfew(Loop& loop, Duration work, Curfew& curfew, int& alive,
                        std::string& result) {
  const auto got = co_await with_deadline(loop, slow(loop, work, alive), kNever, &curfew);
  result = got ? std::to_string(*got) : std::string(reason_row(got.error().reason()).name);
}

TEST(WithDeadline, ends_with_the_curfew) {
  FakeLoop fake;
  Curfew curfew;
  TaskSet tasks(fake.loop);
  int alive = 0;
  std::string done;
  std::string ended;
  std::string begun_later;
  tasks.spawn(under_curfew(fake.loop, seconds(1), curfew, alive, done));
  tasks.spawn(under_curfew(fake.loop, seconds(3), curfew, alive, ended));
  fake.advance(seconds(2));
  curfew.fall();
  EXPECT_EQ(alive, 0);
  tasks.spawn(under_curfew(fake.loop, seconds(1), curfew, alive, begun_later));
  fake.loop.run_until_idle();
  EXPECT_EQ(done, "7");
  EXPECT_EQ(ended, "shutting_down");
  EXPECT_EQ(begun_later, "shutting_down");
}

Task<void> both(Loop& loop, int& alive, int& sum) {
  auto [a, b] = co_await when_all(slow(loop, seconds(2), alive), slow(loop, seconds(1), alive));
  sum = *a + *b;
}
Task<void> both_at_once(int& sum) {
  auto [a, b] = co_await when_all(answer(), answer());
  sum = a + b;
}

TEST(WhenAll, waits_for_both_and_is_cancelled_as_one) {
  FakeLoop fake;
  int alive = 0;
  int sum = 0;
  TaskSet tasks(fake.loop);
  tasks.spawn(both(fake.loop, alive, sum));
  fake.loop.run_until_idle();
  EXPECT_EQ(alive, 2);
  fake.advance(seconds(1));
  EXPECT_EQ(sum, 0);
  fake.advance(seconds(1));
  EXPECT_EQ(sum, 14);
  tasks.spawn(both(fake.loop, alive, sum));
  fake.loop.run_until_idle();
  tasks.cancel_all();
  EXPECT_EQ(alive, 0);
  tasks.spawn(both_at_once(sum));
  fake.loop.run_until_idle();
  EXPECT_EQ(sum, 84);
}

TEST(Loop, runs_what_other_threads_post) {
  SystemClock clock;
  const auto poller = make_epoll_poller();
  Loop loop(clock, *poller);
  int ran = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&ran] { ++ran; });
    loop.post([&loop] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_EQ(ran, 100);
}

TEST(Loop, flushes_once_a_turn) {
  struct Count final : Flusher {
    void flush() override { ++flushed; }
    int flushed = 0;
  };
  FakeLoop fake;
  Count count;
  fake.loop.flush_later(count);
  fake.loop.flush_later(count);
  fake.loop.run_until_idle();
  EXPECT_EQ(count.flushed, 1);
}

TEST(Loop, destroys_later_what_decides_to_die) {
  FakeLoop fake;
  int alive = 0;
  fake.loop.destroy_later(std::make_unique<Tracker>(alive));
  EXPECT_EQ(alive, 1);
  fake.loop.run_until_idle();
  EXPECT_EQ(alive, 0);
}

TEST(ReadBuffer, uses_memory_again_unless_a_chunk_is_kept) {
  ReadBuffer buffer;
  const char* first = buffer.space();
  {
    const Bytes chunk = buffer.take(10);
  }
  EXPECT_EQ(buffer.space(), first);
  const Bytes kept = buffer.take(10);
  EXPECT_NE(buffer.space(), first);
}

}  // namespace
}  // namespace parley::loop
