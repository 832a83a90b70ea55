#include "call/call.h"

#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "loop/loop_fake.h"
#include "loop/task_set.h"

namespace parley::call {
namespace {

class Parts final : public Messages {
 public:
  std::deque<MessagePart> parts;
  loop::Task<Result<std::optional<MessagePart>>> next() override {
    if (parts.empty()) co_return std::optional<MessagePart>();
    MessagePart part = std::move(parts.front());
    parts.pop_front();
    co_return std::optional(std::move(part));
  }
};

using Read = Result<std::optional<MessagePart>>;

loop::Task<void> read_into(Messages& messages, size_t limit, std::optional<Read>& result) {
  result.emplace(co_await read_message(messages, limit));
}

Read read(Parts& parts, size_t limit) {
  loop::FakeLoop fake;
  loop::TaskSet tasks(fake.loop);
  std::optional<Read> result;
  tasks.spawn(read_into(parts, limit, result));
  fake.loop.run_until_idle();
  return *std::move(result);
}

MessagePart part(std::string_view data, uint32_t total, bool first, bool last) {
  return {Bytes::copy(data), total, false, first, last};
}

TEST(ReadMessage, joins_parts_into_one) {
  Parts parts;
  parts.parts.push_back(part("ab", 5, true, false));
  parts.parts.push_back(part("cd", 5, false, false));
  parts.parts.push_back(part("e", 5, false, true));
  const Read message = read(parts, 100);
  ASSERT_TRUE(message && *message);
  EXPECT_EQ((*message)->data.view(), "abcde");
  EXPECT_TRUE((*message)->first && (*message)->last);
}

TEST(ReadMessage, shares_a_message_of_one_part) {
  Parts parts;
  parts.parts.push_back(whole_message(Bytes::copy("hello"), true));
  const char* at = parts.parts[0].data.data();
  const Read message = read(parts, 100);
  EXPECT_EQ((*message)->data.data(), at);
  EXPECT_TRUE((*message)->compressed);
}

TEST(ReadMessage, tells_the_end_from_a_broken_message) {
  Parts parts;
  EXPECT_FALSE(read(parts, 100)->has_value());
  parts.parts.push_back(part("ab", 5, true, false));
  const Read broken = read(parts, 100);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().reason(), Reason::BodyInvalid);
}

TEST(ReadMessage, refuses_a_message_over_the_limit_before_it_is_read) {
  Parts parts;
  parts.parts.push_back(part("ab", 101, true, false));
  const Read refused = read(parts, 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().limit_name(), "message_bytes_max");
  EXPECT_EQ(refused.error().http_status(), 413);
}

}  // namespace
}  // namespace parley::call
