#include "edge/log_output.h"

#include <cerrno>
#include <climits>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/access_record.h"

namespace parley::edge {
namespace {

static_assert(observe::kLineBytesMax <= PIPE_BUF, "a line of the log is one write to a pipe");

// As many whole lines as one write to a pipe takes without a gap; at least a part of a line.
std::string_view first_write(std::string_view lines) {
  if (lines.size() <= PIPE_BUF) return lines;
  const size_t end = lines.substr(0, PIPE_BUF).rfind('\n');
  return lines.substr(0, end == std::string_view::npos ? PIPE_BUF : end + 1);
}

// One way to write; each is for another kind of descriptor.
class DescriptorOutput : public LogOutput {
 public:
  explicit DescriptorOutput(int descriptor) : descriptor_(descriptor) {}

  size_t write(std::string_view lines) final {
    size_t taken = 0;
    while (!broken_ && taken < lines.size()) {
      const std::string_view part = portion(lines.substr(taken));
      const ssize_t written = write_some(part);
      if (written > 0) taken += static_cast<size_t>(written);
      if (written < 0) broken_ = !passes(errno);
      if (written != static_cast<ssize_t>(part.size())) break;
    }
    return taken;
  }
  bool broken() const final { return broken_; }

 protected:
  virtual std::string_view portion(std::string_view lines) const { return first_write(lines); }
  // As write(2): -1 with errno.
  virtual ssize_t write_some(std::string_view lines) = 0;
  int descriptor() const { return descriptor_; }

 private:
  static bool passes(int error) {
    return error == EAGAIN || error == EINTR || error == ENOSPC || error == EDQUOT ||
           error == ENOBUFS;
  }

  const int descriptor_;
  bool broken_ = false;
};

// A file or /dev/null: takes everything at once.
class FileOutput final : public DescriptorOutput {
 public:
  using DescriptorOutput::DescriptorOutput;

 private:
  std::string_view portion(std::string_view lines) const override { return lines; }
  ssize_t write_some(std::string_view lines) override {
    return ::write(descriptor(), lines.data(), lines.size());
  }
};

// systemd gives its services a socket as standard output.
class SocketOutput final : public DescriptorOutput {
 public:
  using DescriptorOutput::DescriptorOutput;

 private:
  ssize_t write_some(std::string_view lines) override {
    return ::send(descriptor(), lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
};

// A terminal or a pipe that was opened once more, so that it can have a flag of its own.
class ReopenedOutput final : public DescriptorOutput {
 public:
  using DescriptorOutput::DescriptorOutput;
  ~ReopenedOutput() override { ::close(descriptor()); }

 private:
  ssize_t write_some(std::string_view lines) override {
    return ::write(descriptor(), lines.data(), lines.size());
  }
};

// A terminal or a pipe that cannot be opened again (no /proc, or another user's): asks before each
// write. Two shards that ask at once may both be told yes, and one then waits for the reader.
class PolledOutput final : public DescriptorOutput {
 public:
  using DescriptorOutput::DescriptorOutput;

 private:
  ssize_t write_some(std::string_view lines) override {
    pollfd asked{descriptor(), POLLOUT, 0};
    if (::poll(&asked, 1, 0) == 0) {
      errno = EAGAIN;
      return -1;
    }
    return ::write(descriptor(), lines.data(), lines.size());
  }
};

}  // namespace

std::unique_ptr<LogOutput> log_to_descriptor(int descriptor) {
  struct stat kind{};
  if (::fstat(descriptor, &kind) != 0) return std::make_unique<FileOutput>(descriptor);
  if (S_ISSOCK(kind.st_mode)) return std::make_unique<SocketOutput>(descriptor);
  const bool terminal = S_ISCHR(kind.st_mode) && ::isatty(descriptor) == 1;
  if (!terminal && !S_ISFIFO(kind.st_mode)) return std::make_unique<FileOutput>(descriptor);
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const int reopened = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (reopened < 0) return std::make_unique<PolledOutput>(descriptor);
  return std::make_unique<ReopenedOutput>(reopened);
}

}  // namespace parley::edge
