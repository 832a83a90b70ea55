#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "loop/combine.h"
#include "loop/task_set.h"
#include "net/descriptor.h"
#include "net/network.h"

namespace parley::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint16_t kA = 1;
constexpr uint16_t kAaaa = 28;

std::string big_endian(uint16_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

// Answers DNS questions (RFC 1035) from a table, on UDP and TCP of one port of 127.0.0.1.
class DnsServer final : private loop::Watcher {
 public:
  explicit DnsServer(loop::Loop& loop)
      : loop_(loop), network_(make_socket_network(loop)), tasks_(loop) {
    listener_ = *network_->listen(Address::loopback(0), {});
    udp_ = Descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    PARLEY_ASSERT(::bind(udp_.get(), address().get(), address().size()) == 0);
    loop_.poller().add(udp_.get(), *this);
    tasks_.spawn(serve_tcp());
  }
  ~DnsServer() { loop_.poller().remove(udp_.get(), *this); }

  const Address& address() const { return listener_->address(); }

  std::map<std::string, std::vector<std::string>> names;  // "users.test" → literals
  uint8_t refuse_with = 0;                                // a response code for every question
  bool silent = false;
  bool cut = false;  // every answer on UDP says that it did not fit
  int questions = 0;
  int tcp_questions = 0;

 private:
  void ready(bool, bool) override {
    char packet[512];
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    auto* peer = reinterpret_cast<sockaddr*>(&from);
    for (;;) {
      const ssize_t got = ::recvfrom(udp_.get(), packet, sizeof packet, 0, peer, &size);
      if (got < 0) return;
      ++questions;
      if (silent) continue;
      const std::string reply = answer({packet, static_cast<size_t>(got)}, cut);
      (void)!::sendto(udp_.get(), reply.data(), reply.size(), 0, peer, size);
    }
  }

  loop::Task<void> serve_tcp() {
    for (;;) {
      auto stream = co_await listener_->accept();
      if (!stream) co_return;
      tasks_.spawn(serve_stream(*std::move(stream)));
    }
  }
  loop::Task<void> serve_stream(std::unique_ptr<ByteStream> stream) {
    std::string held;
    for (;;) {
      auto chunk = co_await stream->read();
      if (!chunk || chunk->empty()) co_return;
      held += chunk->view();
      while (held.size() >= 2) {
        const size_t size =
            static_cast<size_t>(static_cast<uint8_t>(held[0]) << 8 | static_cast<uint8_t>(held[1]));
        if (held.size() < 2 + size) break;
        ++tcp_questions;
        const std::string reply = answer(held.substr(2, size), false);
        held.erase(0, 2 + size);
        stream->write(Bytes::copy(big_endian(static_cast<uint16_t>(reply.size())) + reply));
      }
    }
  }

  std::string answer(const std::string& question, bool truncated) const {
    std::string name;
    size_t at = 12;
    while (at < question.size() && question[at] != 0) {
      const auto length = static_cast<size_t>(question[at]);
      name += (name.empty() ? "" : ".") + question.substr(at + 1, length);
      at += 1 + length;
    }
    const std::string asked = question.substr(12, at + 5 - 12);
    const uint16_t type = static_cast<uint8_t>(question[at + 2]);
    const auto found = names.find(name);
    std::string records;
    uint16_t count = 0;
    if (found != names.end() && !truncated) {
      for (const std::string& literal : found->second) add(literal, type, records, count);
    }
    const int code = refuse_with != 0 ? refuse_with : found == names.end() ? 3 : 0;
    const auto flags = static_cast<uint16_t>(0x8180 | (truncated ? 0x0200 : 0) | code);
    return question.substr(0, 2) + big_endian(flags) + big_endian(1) + big_endian(count) +
           big_endian(0) + big_endian(0) + asked + records;
  }
  static void add(const std::string& literal, uint16_t type, std::string& to, uint16_t& count) {
    const Address address = *Address::from_literal(literal, 0);
    const bool v6 = address.family() == AF_INET6;
    if (type != (v6 ? kAaaa : kA)) return;
    const size_t offset = v6 ? offsetof(sockaddr_in6, sin6_addr) : offsetof(sockaddr_in, sin_addr);
    const uint16_t size = v6 ? 16 : 4;
    to += big_endian(0xc00c) + big_endian(type) + big_endian(1) + big_endian(0) + big_endian(60) +
          big_endian(size);
    to.append(reinterpret_cast<const char*>(address.get()) + offset, size);
    ++count;
  }

  loop::Loop& loop_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Listener> listener_;
  Descriptor udp_;
  loop::TaskSet tasks_;
};

struct Resolving : ::testing::Test {
  SystemClock clock;
  std::unique_ptr<loop::Poller> poller = loop::make_epoll_poller();
  loop::Loop loop{clock, *poller};
  DnsServer server{loop};
  ResolverOptions options{.servers = {server.address()}, .timeout = milliseconds(50), .tries = 2};
  std::unique_ptr<Resolver> resolver = make_resolver(loop, options);
  loop::TaskSet tasks{loop};

  using Answer = Result<std::vector<Address>>;
  loop::Task<void> ask(std::string host, std::optional<Answer>& to) {
    to = co_await resolver->resolve(host, 80);
  }
  [[nodiscard]] bool until(const std::function<bool()>& come_true) {
    for (int i = 0; i < 5000; ++i) {
      if (come_true()) return true;
      loop.turn(clock.now() + milliseconds(1));
    }
    return false;
  }
  // The addresses, sorted, or the failure's message.
  std::string resolve(std::string host) {
    std::optional<Answer> answer;
    tasks.spawn(ask(std::move(host), answer));
    EXPECT_TRUE(until([&] { return answer.has_value(); }));
    if (!*answer) return answer->error().message();
    std::vector<std::string> texts;
    for (const Address& address : **answer) texts.push_back(address.text());
    std::sort(texts.begin(), texts.end());
    std::string joined;
    for (const std::string& text : texts) joined += (joined.empty() ? "" : " ") + text;
    return joined;
  }
};

TEST_F(Resolving, literals_ask_nobody) {
  EXPECT_EQ(resolve("10.1.2.3"), "10.1.2.3:80");
  EXPECT_EQ(resolve("::1"), "[::1]:80");
  EXPECT_EQ(server.questions, 0);
}

TEST_F(Resolving, localhost_is_both_loopbacks) {
  for (const char* name : {"localhost", "LocalHost", "localhost.", "users.localhost"}) {
    EXPECT_EQ(resolve(name), "127.0.0.1:80 [::1]:80") << name;
  }
  EXPECT_EQ(server.questions, 0);
}

TEST_F(Resolving, a_name_has_the_addresses_of_both_families) {
  server.names["users.test"] = {"10.0.0.1", "10.0.0.2", "2001:db8::1"};
  EXPECT_EQ(resolve("users.test"), "10.0.0.1:80 10.0.0.2:80 [2001:db8::1]:80");
}

TEST_F(Resolving, one_family_is_enough) {
  server.names["four.test"] = {"10.0.0.1"};
  server.names["six.test"] = {"2001:db8::1"};
  EXPECT_EQ(resolve("four.test"), "10.0.0.1:80");
  EXPECT_EQ(resolve("six.test"), "[2001:db8::1]:80");
}

TEST_F(Resolving, many_at_the_same_time) {
  constexpr size_t kCount = 50;
  std::vector<std::optional<Answer>> answers(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    const std::string name = "n" + std::to_string(i) + ".test";
    server.names[name] = {"10.0.0." + std::to_string(i)};
    tasks.spawn(ask(name, answers[i]));
  }
  EXPECT_TRUE(until([&] { return tasks.empty(); }));
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(answers[i] && *answers[i]);
    EXPECT_EQ((**answers[i])[0].text(), "10.0.0." + std::to_string(i) + ":80");
  }
}

TEST_F(Resolving, an_answer_that_does_not_fit_comes_over_tcp) {
  for (int i = 1; i <= 100; ++i) server.names["big.test"].push_back("10.0.0." + std::to_string(i));
  server.cut = true;
  const std::string answer = resolve("big.test");
  EXPECT_GT(server.tcp_questions, 0);
  EXPECT_EQ(std::count(answer.begin(), answer.end(), ' '), 99) << answer;
}

TEST_F(Resolving, failures_are_sentences) {
  EXPECT_EQ(resolve("nobody.test"), R"(cannot resolve "nobody.test": the name does not exist)");
  server.names["empty.test"] = {};
  EXPECT_EQ(resolve("empty.test"), R"(cannot resolve "empty.test": the name has no addresses)");
  EXPECT_EQ(resolve(""), R"(cannot resolve "": this is not a host name)");
  EXPECT_EQ(resolve("a..b"), R"(cannot resolve "a..b": this is not a host name)");
  const std::string long_name(300, 'x');
  EXPECT_EQ(resolve(long_name), "cannot resolve \"" + long_name + "\": this is not a host name");
}

TEST_F(Resolving, failing_servers_are_the_cause) {
  server.refuse_with = 2;
  EXPECT_EQ(resolve("users.test"), R"(cannot resolve "users.test": no DNS server could answer)");
}

TEST_F(Resolving, silence_ends_by_the_timer) {
  server.silent = true;
  EXPECT_EQ(resolve("users.test"),
            R"(cannot resolve "users.test": no DNS server answered in time)");
  EXPECT_GE(server.questions, 4) << "two families, each tried twice";
}

TEST_F(Resolving, a_lost_question_is_asked_again) {
  server.names["users.test"] = {"10.0.0.1"};
  server.silent = true;
  std::optional<Answer> answer;
  tasks.spawn(ask("users.test", answer));
  EXPECT_TRUE(until([&] { return server.questions >= 2; }));
  server.silent = false;
  EXPECT_TRUE(until([&] { return answer.has_value(); }));
  EXPECT_TRUE(answer->has_value());
}

TEST_F(Resolving, no_server_at_all) {
  const Address nobody = (*make_socket_network(loop)->listen(Address::loopback(0), {}))->address();
  options.servers = {nobody};
  resolver = make_resolver(loop, options);
  EXPECT_EQ(resolve("users.test"), R"(cannot resolve "users.test": no DNS server could answer)");
}

TEST_F(Resolving, a_question_can_be_given_up) {
  server.names["users.test"] = {"10.0.0.1"};
  std::optional<Answer> given_up;
  const auto id = tasks.spawn(ask("users.test", given_up));
  loop.turn(clock.now());
  tasks.cancel(id);
  EXPECT_EQ(resolve("users.test"), "10.0.0.1:80");
  EXPECT_FALSE(given_up);
}

TEST_F(Resolving, destruction_ends_what_is_asked) {
  server.silent = true;
  std::optional<Answer> answer;
  tasks.spawn(ask("users.test", answer));
  loop.turn(clock.now());
  resolver.reset();
  EXPECT_TRUE(until([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->error().message(), R"(cannot resolve "users.test": the look-up was given up)");
}

}  // namespace
}  // namespace parley::net
