// A contract of 10,000 message types: what it takes. Times depend on the machine and are only told.
#include <chrono>
#include <string>

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>
#include <sanitizer/allocator_interface.h>

#include "contract/load.h"
#include "wire/json_to_wire.h"
#include "wire/program.h"
#include "wire/wire_to_json.h"

namespace parley::wire {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;

constexpr int kFiles = 100;
constexpr int kTypesOfFile = 100;
constexpr int kFields = 12;
constexpr size_t kLoadedBytesMax = 100 * 1024 * 1024;

// A tenth of the fields are messages of the same file, a tenth lists, a tenth enums.
void add_fields(DescriptorProto& message, int file, int index) {
  for (int i = 0; i < kFields; ++i) {
    FieldDescriptorProto& field = *message.add_field();
    field.set_name(fmt::format("some_field_{}", i));
    field.set_number(i + 1);
    field.set_label(i % 10 == 9 ? FieldDescriptorProto::LABEL_REPEATED
                                : FieldDescriptorProto::LABEL_OPTIONAL);
    field.set_type(i % 2 == 0 ? FieldDescriptorProto::TYPE_STRING
                              : FieldDescriptorProto::TYPE_INT64);
    if (i % 10 == 7) {
      field.set_type(FieldDescriptorProto::TYPE_MESSAGE);
      field.set_type_name(fmt::format(".p{}.Type{}", file, (index * 7 + i) % kTypesOfFile));
    } else if (i % 10 == 8) {
      field.set_type(FieldDescriptorProto::TYPE_ENUM);
      field.set_type_name(fmt::format(".p{}.State", file));
    }
  }
}

contract::Source large_source() {
  contract::Source source;
  for (int file = 0; file < kFiles; ++file) {
    FileDescriptorProto proto;
    proto.set_name(fmt::format("p{}.proto", file));
    proto.set_package(fmt::format("p{}", file));
    proto.set_syntax("proto3");
    auto& state = *proto.add_enum_type();
    state.set_name("State");
    for (int i = 0; i < 5; ++i) {
      state.add_value()->set_name(fmt::format("STATE_{}", i));
      state.mutable_value(i)->set_number(i);
    }
    for (int i = 0; i < kTypesOfFile; ++i) {
      DescriptorProto& message = *proto.add_message_type();
      message.set_name(fmt::format("Type{}", i));
      add_fields(message, file, i);
    }
    source.files.push_back(proto.SerializeAsString());
  }
  return source;
}

using Clock = std::chrono::steady_clock;
double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

TEST(LargeContract, of_10000_types_loads_in_bounded_memory) {
  contract::Source source = large_source();
  const size_t before = __sanitizer_get_current_allocated_bytes();
  const auto start = Clock::now();
  contract::Loaded loaded = contract::load(std::move(source));
  ASSERT_TRUE(loaded.contract.has_value());
  const double load_ms = milliseconds_since(start);
  const size_t loaded_bytes = __sanitizer_get_current_allocated_bytes() - before;
  ASSERT_GE(loaded.contract->messages().size(), 10'000u);
  EXPECT_LT(loaded_bytes, kLoadedBytesMax);

  const Programs programs(*loaded.contract);
  const auto compile_start = Clock::now();
  for (const contract::Message& message : loaded.contract->messages()) (void)programs.of(message);
  const size_t all_bytes = __sanitizer_get_current_allocated_bytes() - before;
  fmt::print("{} types: loaded in {:.0f} ms, {} kB; all programs in {:.0f} ms, {} kB more\n",
             programs.compiled(), load_ms, loaded_bytes / 1024, milliseconds_since(compile_start),
             (all_bytes - loaded_bytes) / 1024);
  EXPECT_LT(all_bytes, kLoadedBytesMax);
}

TEST(LargeContract, of_10000_types_compiles_what_is_used) {
  const contract::Loaded loaded = contract::load(large_source());
  ASSERT_TRUE(loaded.contract.has_value());
  const Programs programs(*loaded.contract);
  const std::string_view text = R"({"someField0":"a","someField7":{"someField1":"7"}})";
  const Bytes json = Bytes::copy(text);
  ByteBuffer wire;
  ASSERT_TRUE(json_to_wire(*programs.find("p99.Type99"), json.view(), {}, wire).has_value());
  const Bytes padded = wire.take();
  ByteBuffer again;
  ASSERT_TRUE(
      wire_to_json(*programs.find("p99.Type99"), padded.view(), {.presence_set_only = true}, again)
          .has_value());
  EXPECT_EQ(again.view(), text);
  EXPECT_EQ(programs.compiled(), 2u);
}

}  // namespace
}  // namespace parley::wire
