// upb, the C engine under protobuf's Python, Ruby and PHP: messages by their descriptors, one arena
// a message whose first block is used again.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/cpp/harness.h"
#include "google/protobuf/descriptor.upb.h"
#include "upb/base/status.h"
#include "upb/json/decode.h"
#include "upb/json/encode.h"
#include "upb/mem/arena.h"
#include "upb/message/message.h"
#include "upb/reflection/def.h"
#include "upb/wire/decode.h"
#include "upb/wire/encode.h"

namespace {

using codec_bench::Direction;
using codec_bench::Shape;
using ArenaPtr = std::unique_ptr<upb_Arena, decltype(&upb_Arena_Free)>;

constexpr size_t kBlockBytes = 64 << 10;

struct Type {
  const upb_MessageDef* message;
  const upb_MiniTable* table;
};

// What the cases refer to.
class Codec {
 public:
  explicit Codec(const std::string& folder)
      : shapes(codec_bench::read_shapes(folder)), block_(kBlockBytes, '\0') {
    upb_Status_Clear(&status_);
    const std::string bytes = codec_bench::read_file(folder + "/contract.binpb");
    const ArenaPtr arena(upb_Arena_New(), &upb_Arena_Free);
    const auto* const set =
        google_protobuf_FileDescriptorSet_parse(bytes.data(), bytes.size(), arena.get());
    codec_bench::require(set != nullptr, "contract.binpb");
    size_t count = 0;
    const auto* const* const files = google_protobuf_FileDescriptorSet_file(set, &count);
    for (size_t i = 0; i < count; ++i) {
      codec_bench::require(upb_DefPool_AddFile(pool_.get(), files[i], &status_) != nullptr,
                           upb_Status_ErrorMessage(&status_));
    }
  }

  Type find(const std::string& name) const {
    const upb_MessageDef* const message = upb_DefPool_FindMessageByName(pool_.get(), name.c_str());
    codec_bench::require(message != nullptr, name);
    return {message, upb_MessageDef_MiniTable(message)};
  }

  std::string_view json_to_wire(Type type, const std::string& json) {
    const ArenaPtr arena = make_arena();
    upb_Message* const message = upb_Message_New(type.table, arena.get());
    codec_bench::require(upb_JsonDecode(json.data(), json.size(), message, type.message,
                                        pool_.get(), 0, arena.get(), &status_),
                         upb_Status_ErrorMessage(&status_));
    char* bytes = nullptr;
    size_t size = 0;
    const auto done = upb_Encode(message, type.table, 0, arena.get(), &bytes, &size);
    codec_bench::require(done == kUpb_EncodeStatus_Ok, "not written");
    out_.assign(bytes, size);
    return out_;
  }

  // `room`: bytes that the JSON needs at most; upb writes into a buffer of a given size.
  std::string_view wire_to_json(Type type, const std::string& wire, size_t room) {
    const ArenaPtr arena = make_arena();
    upb_Message* const message = upb_Message_New(type.table, arena.get());
    const auto done = upb_Decode(wire.data(), wire.size(), message, type.table, nullptr,
                                 kUpb_DecodeOption_AliasString, arena.get());
    codec_bench::require(done == kUpb_DecodeStatus_Ok, "wire refused");
    if (out_.size() < room) out_.resize(room);
    const size_t size =
        upb_JsonEncode(message, type.message, pool_.get(), 0, out_.data(), room, &status_);
    codec_bench::require(size < room, "not written");
    return std::string_view(out_).substr(0, size);
  }

  std::vector<Shape> shapes;

 private:
  ArenaPtr make_arena() {
    return {upb_Arena_Init(block_.data(), block_.size(), &upb_alloc_global), &upb_Arena_Free};
  }

  std::unique_ptr<upb_DefPool, decltype(&upb_DefPool_Free)> pool_{upb_DefPool_New(),
                                                                  &upb_DefPool_Free};
  upb_Status status_;
  std::string block_;
  std::string out_;
};

std::vector<codec_bench::Case> cases_of(Codec& codec) {
  std::vector<codec_bench::Case> cases;
  for (const Shape& shape : codec.shapes) {
    const Type type = codec.find(shape.type);
    const size_t room = 2 * shape.json.size() + 64;
    cases.push_back({case_name("upb", Direction::JsonToWire, shape),
                     [&codec, &shape, type] { return codec.json_to_wire(type, shape.json); }});
    cases.push_back({case_name("upb", Direction::WireToJson, shape), [&codec, &shape, type, room] {
                       return codec.wire_to_json(type, shape.wire, room);
                     }});
  }
  return cases;
}

}  // namespace

int main(int argc, char** argv) {
  std::unique_ptr<Codec> codec;
  return codec_bench::run(argc, argv, [&](const std::string& folder) {
    codec = std::make_unique<Codec>(folder);
    return cases_of(*codec);
  });
}
