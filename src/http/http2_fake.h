#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley::http {

// HTTP/2 of a test's making (RFC 9113, 4.1): nothing is checked.

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr uint8_t kEndStream = 1;
inline constexpr uint8_t kEndHeaders = 4;

std::string frame(uint8_t type, uint8_t flags, int32_t stream, std::string_view payload = {});
// 32 bits, as in WINDOW_UPDATE, RST_STREAM and others.
std::string number(uint32_t value);
// A field as a literal that no table remembers (RFC 7541, 6.2.2).
std::string literal(std::string_view name, std::string_view value);
// A header block in one HEADERS frame and as many CONTINUATION frames as it needs.
std::string headers(int32_t stream, std::string_view block, uint8_t flags = 0);
// The block of `POST /` with further fields.
std::string request_block(std::string_view more = {});

// A frame of a fuzzer's making: type, flags, stream, size, and so many bytes of payload. So what is
// mutated stays a frame, and more of it is reached.
struct FuzzStep {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint8_t stream = 0;
  std::string_view payload;
};
// Takes one from the front of `program`; false: it is empty.
bool next_step(std::string_view& program, FuzzStep& step);

// Plays an input: its first byte is the largest piece that `Scene` gets at once (0: any size), the
// rest is the program.
template <typename Scene>
void play_program(const uint8_t* data, size_t size) {
  if (size == 0) return;
  std::string_view program(reinterpret_cast<const char*>(data + 1), size - 1);
  Scene scene(data[0] == 0 ? SIZE_MAX : data[0]);
  FuzzStep step;
  while (next_step(program, step)) scene.play(step);
  scene.end();
}

struct Frame {
  uint8_t type = 0;
  uint8_t flags = 0;
  int32_t stream = 0;
  std::string_view payload;

  // The 32 bits at an offset of the payload. REQUIRES: they are there.
  uint32_t number(size_t offset) const;
};
// The whole frames in `bytes`, which they borrow.
std::vector<Frame> frames_of(std::string_view bytes);
// The debug data of the first GOAWAY; empty: there is none.
std::string goaway_text(std::string_view bytes);

}  // namespace parley::http
