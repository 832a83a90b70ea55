#include "gateway/upgrade.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/task_set.h"

namespace parley::gateway {
namespace {

using std::chrono::seconds;

// The process that serves, on a thread of its own.
class Upgrade : public testing::Test {
 protected:
  Upgrade() {
    (void)sockets.open("127.0.0.1:0", "127.0.0.1:0", 2);
    succession = std::make_unique<Succession>(
        loop, *open_upgrade_socket(path), seconds(20),
        Succession::Events{.sockets = [this]() -> const auto& { return sockets.all(); },
                           .tickets = [this] { return tickets; },
                           .say = [this](const std::string&) { ++said; }});
    tasks.spawn(wait());
    thread = std::thread([this] {
      loop.run();
      tasks.cancel_all();
    });
  }
  ~Upgrade() override {
    stop();
    succession.reset();
    unlink(path.c_str());
  }
  void stop() {
    loop.stop();
    if (thread.joinable()) thread.join();
  }
  loop::Task<void> wait() {
    successor = co_await succession->succeeded();
    loop.stop();
  }

  const std::string path = testing::TempDir() + "/upgrade_test." + std::to_string(getpid());
  SystemClock clock;
  std::unique_ptr<loop::Poller> poller = loop::make_epoll_poller();
  loop::Loop loop{clock, *poller};
  ListenerSockets sockets;
  const std::vector<net::ListenerTickets> tickets = {
      {"127.0.0.1:0", net::TicketKeys::fresh().rotated().rotated()},
      {"unix:/parley.sock", net::TicketKeys::fresh()}};
  std::unique_ptr<Succession> succession;
  std::atomic<int> said = 0;
  std::atomic<pid_t> successor = 0;
  loop::TaskSet tasks{loop};
  std::thread thread;
};

TEST_F(Upgrade, hands_over_every_socket_and_leaves_once_the_new_one_is_ready) {
  auto met = Predecessor::meet(path, seconds(20));
  ASSERT_TRUE(met && *met);
  EXPECT_EQ((*met)->pid(), getpid());
  std::vector<GivenSocket> given = (*met)->take_sockets();
  ASSERT_EQ(given.size(), 2u);
  for (const GivenSocket& one : given) {
    EXPECT_EQ(one.name, "127.0.0.1:0");
    EXPECT_EQ(one.socket.address, sockets.all().front()->address);
    int listens = 0;
    socklen_t size = sizeof listens;
    getsockopt(one.socket.descriptor.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    EXPECT_EQ(listens, 1);
  }
  EXPECT_EQ(successor, 0);
  EXPECT_TRUE((*met)->relieve());
  thread.join();
  EXPECT_EQ(successor, getpid());
}

TEST_F(Upgrade, hands_over_the_keys_of_tickets) {
  auto met = Predecessor::meet(path, seconds(20));
  ASSERT_TRUE(met && *met);
  const std::vector<net::ListenerTickets>& handed = (*met)->tickets();
  ASSERT_EQ(handed.size(), tickets.size());
  for (size_t i = 0; i < handed.size(); ++i) {
    EXPECT_EQ(handed[i].address, tickets[i].address);
    EXPECT_EQ(handed[i].keys.bytes(), tickets[i].keys.bytes());
  }
}

TEST_F(Upgrade, goes_on_when_the_new_process_ends_before_it_is_ready) {
  (*Predecessor::meet(path, seconds(20))).reset();
  auto met = Predecessor::meet(path, seconds(20));
  ASSERT_TRUE(met && *met);
  EXPECT_EQ(successor, 0);
  EXPECT_TRUE((*met)->relieve());
  thread.join();
  EXPECT_EQ(successor, getpid());
}

TEST_F(Upgrade, has_a_socket_for_its_user_only) {
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(Upgrade, meets_nobody_where_nobody_listens) {
  const auto met = Predecessor::meet(path + ".none", seconds(20));
  ASSERT_TRUE(met);
  EXPECT_EQ(*met, nullptr);
}

TEST_F(Upgrade, tells_a_new_process_when_the_old_one_has_gone) {
  auto met = Predecessor::meet(path, seconds(20));
  ASSERT_TRUE(met && *met);
  stop();
  EXPECT_FALSE((*met)->relieve());
}

}  // namespace
}  // namespace parley::gateway
