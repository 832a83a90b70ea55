#include "wire/program.h"

#include <barrier>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "wire/codec_fake.h"

namespace parley::wire {
namespace {

TEST(Programs, are_compiled_when_they_are_needed) {
  const CodecFake fake;
  EXPECT_EQ(fake.programs().compiled(), 0u);
  const Program& leaf = fake.program("t.Leaf");
  EXPECT_EQ(fake.programs().compiled(), 1u);
  EXPECT_EQ(&leaf, &fake.program("t.Leaf"));
  EXPECT_EQ(fake.programs().compiled(), 1u);
}

TEST(Programs, of_members_wait_for_a_value_that_has_them) {
  const CodecFake fake;
  EXPECT_EQ(fake.again("t.Optionals", R"({"fInt32":1})"), R"({"fInt32":1})");
  EXPECT_EQ(fake.programs().compiled(), 1u);
  EXPECT_EQ(fake.again("t.Optionals", R"({"leaf":{"id":1}})"), R"({"leaf":{"id":1}})");
  EXPECT_EQ(fake.programs().compiled(), 2u);
  const FieldPlan* const leaf = fake.program("t.Optionals").find("leaf");
  ASSERT_NE(leaf, nullptr);
  EXPECT_EQ(&leaf->message(), &fake.program("t.Leaf"));
}

constexpr int kTypes = 40;

// A chain of messages, each a field of the one before, with maps of themselves.
std::string chain() {
  std::string text = "syntax = \"proto3\"; package t;\n";
  for (int i = 0; i < kTypes; ++i)
    text += fmt::format("message M{0} {{ M{1} next = 1; map<string, M{0}> all = 2; }}\n", i, i + 1);
  return text + fmt::format("message M{} {{ int32 id = 1; }}\n", kTypes);
}

// A value of the first type that needs all of them.
std::string nested_json() {
  std::string json = R"({"id":1})";
  for (int i = 0; i < kTypes; ++i) json = fmt::format(R"({{"next":{},"all":{{"k":{{}}}}}})", json);
  return json;
}

TEST(Programs, are_the_same_for_threads_that_compile_them_at_once) {
  constexpr int kThreads = 4;
  const std::string json = nested_json();
  const CodecFake fake(chain());
  const size_t types = fake.programs().contract().messages().size();
  std::vector<std::vector<const Program*>> seen(kThreads);
  std::barrier begin(kThreads);
  std::vector<std::thread> threads;
  for (auto& programs : seen) {
    threads.emplace_back([&] {
      begin.arrive_and_wait();
      EXPECT_EQ(fake.again("t.M0", json), json);
      for (const contract::Message& message : fake.programs().contract().messages())
        programs.push_back(&fake.programs().of(message));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& programs : seen) EXPECT_EQ(programs, seen.front());
  EXPECT_EQ(fake.programs().compiled(), types);
}

}  // namespace
}  // namespace parley::wire
