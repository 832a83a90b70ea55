#include "wire/frame.h"

#include <gtest/gtest.h>

#include "wire/table_fake.h"

namespace parley::wire {
namespace {

std::string frame(uint8_t flags, std::string_view message) {
  const FrameHeader header = frame_header(flags, static_cast<uint32_t>(message.size()));
  return std::string(header.data(), header.size()) + std::string(message);
}

// Decodes and joins `stream`, given in chunks of `chunk_size`; "!" and the failure's message last.
std::vector<std::string> messages(std::string_view stream, size_t chunk_size,
                                  const FrameSettings& settings = {}) {
  std::vector<std::string> found;
  FrameDecoder decoder(settings);
  MessageAssembler assembler;
  for (size_t at = 0; at < stream.size(); at += chunk_size) {
    Bytes chunk = Bytes::copy(stream.substr(at, chunk_size));
    for (;;) {
      auto part = decoder.next(chunk);
      if (!part) {
        found.push_back("! " + part.error().message());
        return found;
      }
      if (!part->has_value()) break;
      if (auto whole = assembler.add(std::move(**part)))
        found.push_back(std::to_string(whole->flags) + ":" + std::string(whole->payload.view()));
    }
  }
  if (const auto end = decoder.finish(); !end) found.push_back("! " + end.error().message());
  return found;
}

TEST(Frame, header_is_flags_and_big_endian_length) {
  const FrameHeader header = frame_header(1, 0x01020304);
  EXPECT_EQ(to_hex({header.data(), header.size()}), "01 01 02 03 04");
}

TEST(Frame, messages_come_out_however_the_stream_is_cut) {
  const std::string stream =
      frame(0, "hello") + frame(1, "") + frame(0, std::string(300, 'x')) + frame(0, "");
  const std::vector<std::string> expected = {"0:hello", "1:", "0:" + std::string(300, 'x'), "0:"};
  for (size_t size = 1; size <= stream.size(); ++size) EXPECT_EQ(messages(stream, size), expected);
}

TEST(Frame, parts_share_the_memory_of_their_chunk) {
  FrameDecoder decoder({});
  Bytes chunk = Bytes::copy(frame(0, "hello") + frame(0, "you"));
  const char* const memory = chunk.data();
  auto part = decoder.next(chunk);
  ASSERT_TRUE(part && part->has_value());
  EXPECT_EQ((*part)->payload.data(), memory + kFrameHeaderSize);
  EXPECT_TRUE((*part)->first && (*part)->last);
  EXPECT_EQ((*part)->total, 5u);
}

TEST(Frame, end_inside_of_a_message_is_a_failure) {
  EXPECT_EQ(messages(frame(0, "hello").substr(0, 7), 3).back(),
            "! the stream ends inside of a message");
  EXPECT_EQ(messages(std::string("\0\0", 2), 3).back(), "! the stream ends inside of a message");
  EXPECT_TRUE(messages("", 3).empty());
}

TEST(Frame, unknown_flags_are_a_failure) {
  EXPECT_EQ(messages(frame(2, "x"), 9).back(), "! a message with unknown flags 0x02");
  EXPECT_EQ(messages(frame(0x81, "x"), 9).back(), "! a message with unknown flags 0x80");
  EXPECT_EQ(
      messages(frame(0x80, "x"), 9, {.flags_allowed = kFlagCompressed | kFlagTrailers}).back(),
      "128:x");
}

TEST(Frame, message_over_the_limit_is_refused_by_its_header) {
  FrameDecoder decoder({.message_bytes_max = 4});
  const FrameHeader header = frame_header(0, 5);
  Bytes chunk = Bytes::copy({header.data(), header.size()});
  const auto part = decoder.next(chunk);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().reason(), Reason::BodyTooLarge);
  EXPECT_EQ(part.error().limit_name(), "message_bytes_max");
  EXPECT_EQ(messages(frame(0, "four"), 9, {.message_bytes_max = 4}).back(), "0:four");
}

TEST(Frame, an_upstreams_faults_are_its_own) {
  FrameDecoder decoder({.message_bytes_max = 4, .peer = Origin::Upstream});
  const FrameHeader header = frame_header(0, 0xFFFFFFFF);
  Bytes chunk = Bytes::copy({header.data(), header.size()});
  const auto part = decoder.next(chunk);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().reason(), Reason::UpstreamTooLarge);
  EXPECT_EQ(part.error().origin(), Origin::Upstream);
}

}  // namespace
}  // namespace parley::wire
