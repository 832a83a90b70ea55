#include "wire/grpc_compression.h"

#include <gtest/gtest.h>

namespace parley::wire {
namespace {

constexpr MessageEncoding kAll[] = {MessageEncoding::Identity, MessageEncoding::Gzip,
                                    MessageEncoding::Deflate};

std::string mixed(size_t size) {
  std::string text;
  uint32_t state = 1;
  while (text.size() < size) {
    state = state * 1664525 + 1013904223;
    text += static_cast<char>(state >> 24);
  }
  return text;
}

TEST(GrpcCompression, what_was_compressed_comes_back) {
  for (const auto encoding : kAll) {
    for (const std::string& text : {std::string(), std::string("x"), mixed(100'000)}) {
      const Bytes compressed = compress_message(encoding, text);
      const auto again = decompress_message(encoding, compressed.view(), {});
      ASSERT_TRUE(again) << message_encoding_name(encoding) << " " << text.size();
      EXPECT_EQ(again->view(), text);
    }
  }
}

TEST(GrpcCompression, names_are_those_of_grpc_encoding) {
  for (const auto encoding : kAll)
    EXPECT_EQ(message_encoding(message_encoding_name(encoding)), encoding);
  EXPECT_EQ(message_encoding("br"), std::nullopt);
  EXPECT_EQ(message_encoding("GZIP"), std::nullopt);
}

TEST(GrpcCompression, damage_is_a_failure) {
  for (const auto encoding : {MessageEncoding::Gzip, MessageEncoding::Deflate}) {
    const Bytes good = compress_message(encoding, mixed(1000));
    std::string cut(good.view().substr(0, good.size() - 1));
    EXPECT_FALSE(decompress_message(encoding, cut, {}));
    EXPECT_FALSE(decompress_message(encoding, "", {}));
    EXPECT_FALSE(decompress_message(encoding, "hello", {}));
    EXPECT_FALSE(decompress_message(encoding, std::string(good.view()) + "x", {}));
    std::string flipped(good.view());
    flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x55);
    EXPECT_FALSE(decompress_message(encoding, flipped, {}));
  }
}

TEST(GrpcCompression, size_is_capped) {
  for (const auto encoding : kAll) {
    const Bytes compressed = compress_message(encoding, mixed(1001));
    const auto failed = decompress_message(encoding, compressed.view(), {.bytes_max = 1000});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().reason(), Reason::BodyTooLarge);
    EXPECT_TRUE(decompress_message(encoding, compressed.view(), {.bytes_max = 1001}));
  }
}

TEST(GrpcCompression, ratio_is_capped) {
  const Bytes bomb = compress_message(MessageEncoding::Gzip, std::string(1'000'000, 'x'));
  const auto failed =
      decompress_message(MessageEncoding::Gzip, bomb.view(), {.peer = Origin::Upstream});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason(), Reason::UpstreamTooLarge);
  EXPECT_TRUE(failed.error().message().contains("never taken"));
  EXPECT_EQ(failed.error().limit_name(), "fixed.compression_ratio_max");
  const Bytes small = compress_message(MessageEncoding::Gzip, std::string(60'000, 'x'));
  EXPECT_TRUE(decompress_message(MessageEncoding::Gzip, small.view(), {}));
}

}  // namespace
}  // namespace parley::wire
