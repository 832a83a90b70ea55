#include "http/http2_fake.h"

#include <algorithm>

#include <nghttp2/nghttp2.h>

namespace parley::http {
namespace {

constexpr size_t kFrameHeader = 9;
constexpr size_t kFrameBytesMax = 16 * 1024;

uint32_t read_number(std::string_view bytes, size_t offset, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[offset + i]);
  return value;
}

// RFC 7541, 5.1: a prefix of 7 bits behind a zero bit.
std::string length(size_t value) {
  if (value < 127) return std::string(1, static_cast<char>(value));
  std::string text(1, '\x7f');
  for (value -= 127; value >= 128; value /= 128) text += static_cast<char>(value % 128 + 128);
  return text += static_cast<char>(value);
}

}  // namespace

std::string number(uint32_t value) {
  std::string text;
  for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(value >> shift);
  return text;
}

std::string frame(uint8_t type, uint8_t flags, int32_t stream, std::string_view payload) {
  std::string text = number(static_cast<uint32_t>(payload.size())).substr(1);
  text += static_cast<char>(type);
  text += static_cast<char>(flags);
  return text.append(number(static_cast<uint32_t>(stream))).append(payload);
}

std::string literal(std::string_view name, std::string_view value) {
  std::string text(1, '\0');
  return text.append(length(name.size())).append(name).append(length(value.size())).append(value);
}

std::string headers(int32_t stream, std::string_view block, uint8_t flags) {
  std::string all;
  uint8_t type = NGHTTP2_HEADERS;
  do {
    const std::string_view part = block.substr(0, kFrameBytesMax);
    block.remove_prefix(part.size());
    if (block.empty()) flags |= kEndHeaders;
    all += frame(type, flags, stream, part);
    type = NGHTTP2_CONTINUATION;
    flags = 0;
  } while (!block.empty());
  return all;
}

std::string request_block(std::string_view more) {
  return literal(":method", "POST") + literal(":scheme", "http") +
         literal(":authority", "shop.test") + literal(":path", "/").append(more);
}

bool next_step(std::string_view& program, FuzzStep& step) {
  constexpr size_t kHead = 4;
  if (program.size() < kHead) return false;
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(program[at]); };
  step = {byte(0), byte(1), byte(2), program.substr(kHead, byte(3))};
  program.remove_prefix(kHead + step.payload.size());
  return true;
}

uint32_t Frame::number(size_t offset) const { return read_number(payload, offset, 4); }

std::vector<Frame> frames_of(std::string_view bytes) {
  std::vector<Frame> found;
  while (bytes.size() >= kFrameHeader) {
    const size_t size = read_number(bytes, 0, 3);
    if (bytes.size() - kFrameHeader < size) break;
    found.push_back({static_cast<uint8_t>(bytes[3]), static_cast<uint8_t>(bytes[4]),
                     static_cast<int32_t>(read_number(bytes, 5, 4)),
                     bytes.substr(kFrameHeader, size)});
    bytes.remove_prefix(kFrameHeader + size);
  }
  return found;
}

std::string goaway_text(std::string_view bytes) {
  const auto all = frames_of(bytes);
  const auto goaway = std::find_if(all.begin(), all.end(),
                                   [](const Frame& one) { return one.type == NGHTTP2_GOAWAY; });
  return goaway == all.end() ? "" : std::string(goaway->payload.substr(8));
}

}  // namespace parley::http
