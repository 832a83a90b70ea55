#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "wire/oracle_fake.h"
#include "wire/table_fake.h"

// The codec beside protobuf's own: what both accept means the same.
namespace parley::wire {
namespace {

namespace pb = google::protobuf;

// Fills messages with values from all over their ranges.
class Generator {
 public:
  // Map keys are unique within a generator, and among those of other `key_space`s: the reflection
  // of dynamic messages keeps double ones apart.
  explicit Generator(uint32_t seed, uint64_t key_space = 0)
      : random_(seed), next_key_(key_space << 20) {}

  void fill(pb::Message& message, int depth) {
    const pb::Descriptor& type = *message.GetDescriptor();
    if (fill_known(message, type, depth)) return;
    for (int i = 0; i < type.field_count(); ++i) {
      const pb::FieldDescriptor& field = *type.field(i);
      if (depth <= 0 && field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field.is_required() && below(3) == 0) continue;
      int count = field.is_repeated() ? static_cast<int>(below(4)) : 1;
      if (field.is_map() &&
          field.message_type()->field(0)->type() == pb::FieldDescriptor::TYPE_BOOL)
        count = next_key_ < (1 << 20) ? std::min(count, 1) : 0;
      for (int n = 0; n < count; ++n) set(message, field, depth);
    }
  }

 private:
  uint64_t below(uint64_t end) { return random_() % end; }
  uint64_t bits() {
    switch (below(4)) {
      case 0: return below(3);
      case 1: return random_() & 0xFFFF;
      case 2: return random_();
      default: return uint64_t{0} - below(1000);
    }
  }
  double real() {
    switch (below(6)) {
      case 0: return 0;
      case 1: return -0.0;
      case 2: return static_cast<double>(static_cast<int64_t>(bits()) % 100000) / 100;
      case 3: return std::numeric_limits<double>::infinity();
      case 4: return std::numeric_limits<double>::quiet_NaN();
      default:
        return std::ldexp(static_cast<double>(random_() % 1000003),
                          static_cast<int>(below(200)) - 100);
    }
  }
  std::string text() {
    static const char* const kPieces[] = {"a", "Z", "\"", "\\", "\n", "\x01",
                                          "é", "€", "😀", "/",  "<",  " "};
    std::string text;
    const size_t count = below(below(8) == 0 ? 200 : 12);
    for (size_t i = 0; i < count; ++i) text += kPieces[below(std::size(kPieces))];
    return text;
  }
  std::string octets() {
    std::string octets(below(below(8) == 0 ? 300 : 8), '\0');
    for (char& c : octets) c = static_cast<char>(random_());
    return octets;
  }

  // Well-known types whose values are not free. True: done.
  bool fill_known(pb::Message& message, const pb::Descriptor& type, int depth) {
    const std::string& name = type.full_name();
    const pb::Reflection& reflection = *message.GetReflection();
    const auto set_time = [&](int64_t seconds, int32_t nanos) {
      reflection.SetInt64(&message, type.field(0), seconds);
      reflection.SetInt32(&message, type.field(1), nanos);
    };
    const auto nanos = [&] {
      static constexpr int32_t kNanos[] = {0, 500'000'000, 1'000, 1, 999'999'999};
      return kNanos[below(5)];
    };
    if (name == "google.protobuf.Timestamp") {
      set_time(static_cast<int64_t>(random_() % 315'537'897'600u) - 62'135'596'800, nanos());
    } else if (name == "google.protobuf.Duration") {
      const bool negative = below(2) == 0;
      const auto seconds = static_cast<int64_t>(below(2) == 0 ? 0 : random_() % 315'575'999'999u);
      const int32_t part = nanos();
      set_time(negative ? -seconds : seconds, negative ? -part : part);
    } else if (name == "google.protobuf.FieldMask") {
      for (size_t i = below(3); i > 0; --i)
        reflection.AddString(&message, type.field(0), below(2) == 0 ? "foo_bar.baz" : "x");
    } else if (name == "google.protobuf.Any") {
      return true;
    } else if (name == "google.protobuf.Value") {
      static constexpr int kScalars = 4;
      const auto& field = *type.field(static_cast<int>(below(depth > 0 ? 6 : kScalars)));
      if (field.name() == "number_value")
        reflection.SetDouble(&message, &field, static_cast<double>(below(100000)) / 8);
      else
        set(message, field, depth);
    } else {
      return false;
    }
    return true;
  }

  void set(pb::Message& message, const pb::FieldDescriptor& field, int depth) {
    const pb::Reflection& r = *message.GetReflection();
    const bool list = field.is_repeated();
    const auto put = [&](auto set_one, auto add_one, auto value) {
      if (list)
        (r.*add_one)(&message, &field, value);
      else
        (r.*set_one)(&message, &field, value);
    };
    using R = pb::Reflection;
    using F = pb::FieldDescriptor;
    switch (field.cpp_type()) {
      case F::CPPTYPE_INT32: put(&R::SetInt32, &R::AddInt32, static_cast<int32_t>(bits())); break;
      case F::CPPTYPE_INT64: put(&R::SetInt64, &R::AddInt64, static_cast<int64_t>(bits())); break;
      case F::CPPTYPE_UINT32:
        put(&R::SetUInt32, &R::AddUInt32, static_cast<uint32_t>(bits()));
        break;
      case F::CPPTYPE_UINT64: put(&R::SetUInt64, &R::AddUInt64, bits()); break;
      case F::CPPTYPE_DOUBLE: put(&R::SetDouble, &R::AddDouble, real()); break;
      case F::CPPTYPE_FLOAT: put(&R::SetFloat, &R::AddFloat, static_cast<float>(real())); break;
      case F::CPPTYPE_BOOL: put(&R::SetBool, &R::AddBool, below(2) == 0); break;
      case F::CPPTYPE_STRING: {
        const std::string value = field.type() == F::TYPE_BYTES ? octets() : text();
        if (list)
          r.AddString(&message, &field, value);
        else
          r.SetString(&message, &field, value);
        break;
      }
      case F::CPPTYPE_ENUM: {
        const auto count = static_cast<uint64_t>(field.enum_type()->value_count());
        const auto* const value = field.enum_type()->value(static_cast<int>(below(count)));
        if (list)
          r.AddEnum(&message, &field, value);
        else
          r.SetEnum(&message, &field, value);
        break;
      }
      case F::CPPTYPE_MESSAGE:
        if (field.is_map()) {
          set_entry(*r.AddMessage(&message, &field), depth - 1);
          break;
        }
        fill(list ? *r.AddMessage(&message, &field) : *r.MutableMessage(&message, &field),
             depth - 1);
        break;
    }
  }

  void set_entry(pb::Message& entry, int depth) {
    const pb::Descriptor& type = *entry.GetDescriptor();
    const pb::Reflection& r = *entry.GetReflection();
    const pb::FieldDescriptor* const key = type.field(0);
    const uint64_t number = ++next_key_;
    switch (key->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_STRING:
        r.SetString(&entry, key, text() + std::to_string(number));
        break;
      case pb::FieldDescriptor::CPPTYPE_INT32:
        r.SetInt32(&entry, key, -static_cast<int32_t>(number));
        break;
      case pb::FieldDescriptor::CPPTYPE_INT64:
        r.SetInt64(&entry, key, -static_cast<int64_t>(number << 30));
        break;
      case pb::FieldDescriptor::CPPTYPE_UINT64: r.SetUInt64(&entry, key, number << 40); break;
      default: r.SetBool(&entry, key, below(2) == 0); break;
    }
    set(entry, *type.field(1), depth);
  }

  std::mt19937_64 random_;
  uint64_t next_key_;
};

constexpr uint32_t kRounds = 150;

void check_round_trips(Oracle& oracle, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    for (uint32_t seed = 0; seed < kRounds; ++seed) {
      auto original = oracle.message(name);
      Generator(seed).fill(*original, 4);
      const std::string wire = original->SerializePartialAsString();
      const auto meant = oracle.parsed(name, wire);
      const JsonWriteOptions options{.presence_set_only = seed % 2 == 0,
                                     .int64_numbers = seed % 3 == 0,
                                     .enum_numbers = seed % 5 == 0,
                                     .proto_names = seed % 7 == 0 && name != "t.Names",
                                     .pretty = seed % 4 == 0};
      const std::string json = oracle.codec().to_json(name, wire, options);
      ASSERT_FALSE(json.starts_with("! ")) << json << "\n" << meant->DebugString();
      const std::string again = oracle.codec().to_wire(name, json);
      ASSERT_FALSE(again.starts_with("! ")) << again << "\n" << json;
      ASSERT_EQ(difference(*meant, *oracle.parsed(name, again)), "")
          << json << "\n"
          << meant->DebugString() << oracle.parsed(name, again)->DebugString();
      std::string theirs;
      if (!misread_by_protobuf(name, json) && oracle.from_json(name, json, theirs))
        ASSERT_EQ(difference(*meant, *oracle.parsed(name, theirs)), "") << json;
    }
  }
}

TEST(Oracle, generated_messages_survive_the_round_trip) {
  Oracle oracle{kProto3};
  check_round_trips(oracle, {"t.Scalars", "t.Lists", "t.Optionals", "t.Tree", "t.Maps", "t.Choice",
                             "t.Names", "t.Known"});
}

TEST(Oracle, generated_proto2_messages_survive_the_round_trip) {
  Oracle oracle{kProto2};
  check_round_trips(oracle, {"t2.Old"});
}

TEST(Oracle, whatever_both_read_means_the_same) {
  Oracle proto3{kProto3};
  Oracle proto2{kProto2};
  size_t both = 0;
  const auto compare = [&](std::string_view subject, std::string_view input) {
    const std::string name(subject);
    Oracle& oracle = name.starts_with("t2.") ? proto2 : proto3;
    const std::string json = from_hex_escapes(input);
    const std::string ours = oracle.codec().to_wire(name, json);
    std::string theirs;
    // It also reads whole numbers with a point as doubles.
    const bool misread = misread_by_protobuf(name, json) || json.find("93.0}") != std::string::npos;
    if (!misread && !ours.starts_with("! ") && oracle.from_json(name, json, theirs)) {
      ++both;
      EXPECT_EQ(difference(*oracle.parsed(name, ours), *oracle.parsed(name, theirs)), "") << json;
    }
    return ours.starts_with("! ") ? ours
                                  : oracle.codec().to_json(name, ours, {.presence_set_only = true});
  };
  check_table("json_read.txt", compare);
  EXPECT_GT(both, 80u);
}

TEST(Oracle, scrambled_wire_means_what_protobuf_says) {
  Oracle oracle{kProto3};
  for (const std::string name : {"t.Tree", "t.Choice", "t.Maps", "t.Lists", "t.Optionals"}) {
    for (uint32_t seed = 0; seed < kRounds; ++seed) {
      // Several messages one behind the other are one merged message.
      std::string wire;
      for (uint32_t part = 0; part < 3; ++part) {
        auto piece = oracle.message(name);
        Generator(seed * 3 + part, part).fill(*piece, 3);
        wire += piece->SerializeAsString();
      }
      const std::string json = oracle.codec().to_json(name, wire);
      ASSERT_FALSE(json.starts_with("! ")) << json << to_hex(wire);
      const std::string again = oracle.codec().to_wire(name, json);
      ASSERT_FALSE(again.starts_with("! ")) << again << "\n" << json;
      ASSERT_EQ(difference(*oracle.parsed(name, wire), *oracle.parsed(name, again)), "") << json;
    }
  }
}

}  // namespace
}  // namespace parley::wire
