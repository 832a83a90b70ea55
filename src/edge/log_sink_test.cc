#include "edge/log_sink.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop_fake.h"
#include "observe/access_record.h"

namespace parley::edge {
namespace {

using std::chrono::milliseconds;

// Takes `room` bytes, and no more until a test makes room.
struct Terminal {
  std::string text;
  size_t room = SIZE_MAX;
  size_t writes = 0;
  bool broken = false;
};
class TerminalOutput final : public LogOutput {
 public:
  explicit TerminalOutput(Terminal& terminal) : terminal_(terminal) {}
  size_t write(std::string_view lines) override {
    ++terminal_.writes;
    if (terminal_.broken) return 0;
    const size_t taken = std::min(lines.size(), terminal_.room);
    terminal_.text += lines.substr(0, taken);
    terminal_.room -= taken;
    return taken;
  }
  bool broken() const override { return terminal_.broken; }

 private:
  Terminal& terminal_;
};

class LogSinkTest : public testing::Test {
 protected:
  std::unique_ptr<LogSink> make(uint32_t buffer_bytes = 256 * 1024) {
    return std::make_unique<LogSink>(fake.loop, std::make_unique<TerminalOutput>(terminal),
                                     LogSettings{.buffer_bytes = buffer_bytes}, dropped);
  }
  static bool log(LogSink& sink, std::string_view line) {
    ByteBuffer* const out = sink.begin_line();
    if (out == nullptr) return false;
    out->append(line);
    sink.end_line();
    return true;
  }

  loop::FakeLoop fake;
  Terminal terminal;
  observe::Counter dropped;
};

TEST_F(LogSinkTest, writes_many_lines_at_once_after_100_ms) {
  const auto sink = make();
  log(*sink, "one\n");
  fake.advance(milliseconds(60));
  log(*sink, "two\n");
  EXPECT_EQ(terminal.text, "");
  fake.advance(milliseconds(40));
  EXPECT_EQ(terminal.text, "one\ntwo\n");
  EXPECT_EQ(terminal.writes, 1u);
}

TEST_F(LogSinkTest, does_nothing_while_there_are_no_lines) {
  const auto sink = make();
  log(*sink, "one\n");
  fake.advance(milliseconds(1000));
  EXPECT_EQ(terminal.writes, 1u);
  EXPECT_EQ(fake.loop.next_timer(), kNever);
}

TEST_F(LogSinkTest, many_lines_do_not_wait) {
  const auto sink = make();
  const std::string line(1023, 'x');
  for (int i = 0; i < 40; ++i) log(*sink, line + '\n');
  EXPECT_EQ(terminal.writes, 0u) << "not before the turn ends";
  fake.loop.run_until_idle();
  EXPECT_EQ(terminal.text.size(), 40u * 1024);
  EXPECT_EQ(terminal.writes, 1u);
}

TEST_F(LogSinkTest, keeps_the_rest_of_a_line_that_was_taken_in_part) {
  const auto sink = make();
  terminal.room = 6;
  log(*sink, "one\n");
  log(*sink, "two\n");
  fake.advance(milliseconds(100));
  EXPECT_EQ(terminal.text, "one\ntw");
  terminal.room = SIZE_MAX;
  log(*sink, "three\n");
  fake.advance(milliseconds(100));
  EXPECT_EQ(terminal.text, "one\ntwo\nthree\n");
}

TEST_F(LogSinkTest, drops_and_counts_whole_lines_when_the_terminal_is_stuck) {
  const auto sink = make(64 * 1024);
  terminal.room = 0;
  const std::string line(1023, 'x');
  int logged = 0;
  for (int i = 0; i < 200; ++i) {
    if (log(*sink, line + '\n')) ++logged;
    fake.loop.run_until_idle();
  }
  EXPECT_EQ(logged, 61) << "as many as fit, with room for one of the largest";
  EXPECT_EQ(dropped.value(), 139u);
  EXPECT_LE(terminal.writes, 2u) << "a stuck terminal is not asked in every turn";

  terminal.room = SIZE_MAX;
  fake.advance(milliseconds(100));
  EXPECT_EQ(terminal.text.size(), 61u * 1024);
  EXPECT_TRUE(log(*sink, "again\n"));
}

TEST_F(LogSinkTest, a_tiny_buffer_still_takes_a_line) {
  const auto sink = make(1);
  EXPECT_TRUE(log(*sink, "one\n"));
  EXPECT_FALSE(log(*sink, "two\n"));
  fake.advance(milliseconds(100));
  EXPECT_TRUE(log(*sink, "three\n"));
}

TEST_F(LogSinkTest, counts_what_is_lost_when_the_reader_has_gone) {
  const auto sink = make();
  log(*sink, "one\n");
  log(*sink, "two\n");
  terminal.broken = true;
  fake.advance(milliseconds(100));
  EXPECT_EQ(dropped.value(), 2u);
  EXPECT_FALSE(log(*sink, "three\n"));
  EXPECT_EQ(dropped.value(), 3u);
}

TEST_F(LogSinkTest, writes_the_last_lines_when_it_ends) {
  auto sink = make();
  log(*sink, "last\n");
  sink.reset();
  EXPECT_EQ(terminal.text, "last\n");
  EXPECT_EQ(fake.loop.next_timer(), kNever);
}

// Both ends of something that bytes go through.
struct Ends {
  int read = -1;
  int write = -1;
  ~Ends() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
  std::string take() {
    std::array<char, 4096> buffer;
    const ssize_t size = ::read(read, buffer.data(), buffer.size());
    return size > 0 ? std::string(buffer.data(), static_cast<size_t>(size)) : "";
  }
};
void open_pipe(Ends& ends) {
  int both[2];
  ASSERT_EQ(::pipe2(both, O_CLOEXEC), 0);
  ends.read = both[0];
  ends.write = both[1];
}

// Whole lines of about 100 bytes.
std::string lines(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += std::string(99, 'x') + '\n';
  return text;
}

TEST(LogOutput, never_waits_for_a_full_pipe_and_cuts_no_line) {
  Ends ends;
  open_pipe(ends);
  const auto output = log_to_descriptor(ends.write);
  const std::string text = lines(10'000);
  const size_t taken = output->write(text);
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, text.size());
  EXPECT_EQ(taken % 100, 0u) << "whole lines";
  EXPECT_EQ(output->write(text), 0u);
  EXPECT_FALSE(output->broken());
  EXPECT_EQ(::fcntl(ends.write, F_GETFL) & O_NONBLOCK, 0) << "the shared flags are as they were";

  size_t read = 0;
  while (read < taken) read += ends.take().size();
  EXPECT_GT(output->write(text), 0u);
}

TEST(LogOutput, notices_that_the_reader_of_a_pipe_has_gone) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  Ends ends;
  open_pipe(ends);
  const auto output = log_to_descriptor(ends.write);
  EXPECT_EQ(output->write("one\n"), 4u);
  ::close(std::exchange(ends.read, -1));
  EXPECT_EQ(output->write("two\n"), 0u);
  EXPECT_TRUE(output->broken());
}

TEST(LogOutput, never_waits_for_a_terminal_that_nobody_reads) {
  Ends ends;
  ends.read = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(ends.read, 0);
  ASSERT_EQ(::grantpt(ends.read), 0);
  ASSERT_EQ(::unlockpt(ends.read), 0);
  std::array<char, 64> name;
  ASSERT_EQ(::ptsname_r(ends.read, name.data(), name.size()), 0);
  ends.write = ::open(name.data(), O_RDWR | O_NOCTTY);
  ASSERT_GE(ends.write, 0);
  const auto output = log_to_descriptor(ends.write);
  EXPECT_EQ(output->write("one\n"), 4u);
  EXPECT_EQ(ends.take(), "one\r\n");
  EXPECT_LT(output->write(lines(10'000)), 1'000'000u);
  EXPECT_FALSE(output->broken());
}

TEST(LogOutput, never_waits_for_a_socket) {
  int both[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
  Ends ends;
  ends.read = both[0];
  ends.write = both[1];
  const auto output = log_to_descriptor(ends.write);
  EXPECT_EQ(output->write("one\n"), 4u);
  EXPECT_EQ(ends.take(), "one\n");
  EXPECT_LT(output->write(lines(100'000)), 10'000'000u);
}

TEST(LogOutput, writes_a_file_whole) {
  std::string path = testing::TempDir() + "parley-log-XXXXXX";
  Ends ends;
  ends.write = ::mkostemp(path.data(), O_CLOEXEC);
  ASSERT_GE(ends.write, 0);
  const auto output = log_to_descriptor(ends.write);
  const std::string text = lines(10'000);
  EXPECT_EQ(output->write(text), text.size());
  EXPECT_EQ(::lseek(ends.write, 0, SEEK_CUR), static_cast<off_t>(text.size()));
  ::unlink(path.c_str());
}

TEST(LogOutput, a_closed_descriptor_is_broken) {
  const auto output = log_to_descriptor(-1);
  EXPECT_EQ(output->write("one\n"), 0u);
  EXPECT_TRUE(output->broken());
}

}  // namespace
}  // namespace parley::edge
