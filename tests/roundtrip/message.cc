#include "roundtrip/message.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include <google/protobuf/descriptor.h>

#include "base/assert.h"

namespace parley::roundtrip {

namespace pb = google::protobuf;
using F = pb::FieldDescriptor;

namespace {

constexpr uint64_t kFieldCost = 6;     // about, of a tag and a number
constexpr uint64_t kEntriesMax = 100;  // that a map gets at once

bool is_message(const F& field) { return field.cpp_type() == F::CPPTYPE_MESSAGE; }

}  // namespace

// Evenly in its logarithm, from 1 to `most`.
uint64_t Filler::log_size(uint64_t most) {
  const auto width = static_cast<uint64_t>(std::bit_width(most | 1));
  const uint64_t top = uint64_t{1} << draw_.below(width);
  return std::min(top + draw_.below(top), std::max<uint64_t>(most, 1));
}

void Filler::fill(Message& message, uint64_t size, int depth) {
  const pb::Descriptor& type = *message.GetDescriptor();
  if (fill_known(message, size, depth)) return;
  const pb::Reflection& reflection = *message.GetReflection();
  uint64_t left = size;
  for (int i = 0; i < type.field_count(); ++i)
    if (type.field(i)->is_required()) set(message, *type.field(i), 1, depth);
  const auto fields = static_cast<uint64_t>(type.field_count());
  for (uint64_t tries = fields * 4; tries > 0 && left > 1 && fields > 0; --tries) {
    const F& field = *type.field(static_cast<int>(draw_.below(fields)));
    if (is_message(field) && depth <= 0) continue;
    const bool there = !field.is_repeated() && reflection.HasField(message, &field);
    if (there && !field.containing_oneof()) continue;
    const uint64_t share = draw_.one_in(3) ? left : log_size(left);
    left -= std::min(left, set(message, field, share, depth));
  }
}

// Sets a field, or adds to it, with about `size` bytes; returns how many it took.
uint64_t Filler::set(Message& message, const Field& field, uint64_t size, int depth) {
  if (!field.is_repeated()) return set_one(message, field, size, depth);
  uint64_t used = 0;
  // protobuf compares maps entry by entry, each with each.
  uint64_t room = field.is_map() ? kEntriesMax : size;
  for (; used < size && room > 0; --room) {
    const bool sized = is_message(field) || field.cpp_type() == F::CPPTYPE_STRING;
    used += set_one(message, field, sized ? log_size(size - used) : kFieldCost, depth);
  }
  return used;
}

uint64_t Filler::set_one(Message& message, const Field& field, uint64_t size, int depth) {
  const pb::Reflection& r = *message.GetReflection();
  const bool list = field.is_repeated();
  const auto put = [&](auto set_value, auto add_value, const auto& value) {
    if (list)
      (r.*add_value)(&message, &field, value);
    else
      (r.*set_value)(&message, &field, value);
  };
  using R = pb::Reflection;
  switch (field.cpp_type()) {
    case F::CPPTYPE_INT32: put(&R::SetInt32, &R::AddInt32, static_cast<int32_t>(bits())); break;
    case F::CPPTYPE_INT64: put(&R::SetInt64, &R::AddInt64, static_cast<int64_t>(bits())); break;
    case F::CPPTYPE_UINT32: put(&R::SetUInt32, &R::AddUInt32, static_cast<uint32_t>(bits())); break;
    case F::CPPTYPE_UINT64: put(&R::SetUInt64, &R::AddUInt64, bits()); break;
    case F::CPPTYPE_DOUBLE: put(&R::SetDouble, &R::AddDouble, real()); break;
    case F::CPPTYPE_FLOAT: put(&R::SetFloat, &R::AddFloat, static_cast<float>(real())); break;
    case F::CPPTYPE_BOOL: put(&R::SetBool, &R::AddBool, draw_.one_in(2)); break;
    case F::CPPTYPE_STRING: {
      const std::string value = field.type() == F::TYPE_BYTES ? octets(size) : text(size);
      if (list)
        r.AddString(&message, &field, value);
      else
        r.SetString(&message, &field, value);
      return value.size() + 2;
    }
    case F::CPPTYPE_ENUM: {
      const pb::EnumDescriptor& type = *field.enum_type();
      const auto known =
          type.value(static_cast<int>(draw_.below(static_cast<uint64_t>(type.value_count()))));
      const bool open = type.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3 &&
                        type.full_name() != "google.protobuf.NullValue";
      const int number = open && draw_.one_in(6) ? static_cast<int>(bits()) : known->number();
      put(&R::SetEnumValue, &R::AddEnumValue, number);
      break;
    }
    case F::CPPTYPE_MESSAGE: {
      Message& inner = list ? *r.AddMessage(&message, &field) : *r.MutableMessage(&message, &field);
      if (field.is_map())
        set_entry(inner, size, depth - 1);
      else
        fill(inner, size, depth - 1);
      return size + 2;
    }
  }
  return kFieldCost;
}

void Filler::set_entry(Message& entry, uint64_t size, int depth) {
  const pb::Descriptor& type = *entry.GetDescriptor();
  set_key(entry, *type.field(0));
  const F& value = *type.field(1);
  // A message that is not there could be a Value without a kind, or lack required fields.
  if (is_message(value) || !draw_.one_in(10)) set_one(entry, value, size, depth);
}

void Filler::set_key(Message& entry, const Field& key) {
  const pb::Reflection& r = *entry.GetReflection();
  const uint64_t number = keys_++;
  const bool negative = draw_.one_in(3);
  const auto signed_number = [&](int64_t value) { return negative ? -1 - value : value; };
  switch (key.cpp_type()) {
    case F::CPPTYPE_STRING: {
      std::string name = std::to_string(number);
      if (draw_.one_in(3)) name += text(log_size(30));
      r.SetString(&entry, &key, name);
      break;
    }
    case F::CPPTYPE_INT32:
      r.SetInt32(&entry, &key, static_cast<int32_t>(signed_number(static_cast<int64_t>(number))));
      break;
    case F::CPPTYPE_INT64:
      r.SetInt64(&entry, &key, signed_number(static_cast<int64_t>(number << 30)));
      break;
    case F::CPPTYPE_UINT32: r.SetUInt32(&entry, &key, static_cast<uint32_t>(number)); break;
    default: r.SetUInt64(&entry, &key, number << 35); break;
  }
}

// Well-known types whose values are not free. False: it is none of them.
bool Filler::fill_known(Message& message, uint64_t size, int depth) {
  const pb::Descriptor& type = *message.GetDescriptor();
  const std::string& name = type.full_name();
  if (!name.starts_with("google.protobuf.")) return false;
  const pb::Reflection& r = *message.GetReflection();
  const auto set_time = [&](int64_t seconds, int32_t nanos) {
    r.SetInt64(&message, type.field(0), seconds);
    r.SetInt32(&message, type.field(1), nanos);
  };
  const int32_t nanos = draw_.any_of({0, 500'000'000, 120'000, 1, 999'999'999});
  if (name == "google.protobuf.Timestamp") {
    set_time(static_cast<int64_t>(draw_.below(315'537'897'600)) - 62'135'596'800, nanos);
  } else if (name == "google.protobuf.Duration") {
    const auto seconds = static_cast<int64_t>(draw_.one_in(2) ? 0 : draw_.below(315'576'000'000));
    const bool negative = draw_.one_in(2);
    if (behind_another_ && (seconds == 0 || nanos == 0)) return true;
    set_time(negative ? -seconds : seconds, negative ? -nanos : nanos);
  } else if (name == "google.protobuf.FieldMask") {
    for (uint64_t left = draw_.below(4); left > 0; --left)
      r.AddString(&message, type.field(0), draw_.any_of({"foo_bar.baz", "x", "a_b_c"}));
  } else if (name == "google.protobuf.Any") {
    fill_any(message, size, depth);
  } else if (name == "google.protobuf.Value") {
    fill_value(message, size, depth);
  } else {
    return false;
  }
  return true;
}

void Filler::fill_any(Message& message, uint64_t size, int depth) {
  if (depth <= 0 || draw_.one_in(10)) return;
  const auto name = draw_.any_of({"r.M0", "google.protobuf.Duration", "google.protobuf.Struct",
                                  "google.protobuf.Int64Value", "google.protobuf.Empty"});
  const pb::Descriptor& any = *message.GetDescriptor();
  const pb::Descriptor* const type = pool_.FindMessageTypeByName(name);
  PARLEY_ASSERT(type != nullptr);
  const std::unique_ptr<Message> inner(factory_.GetPrototype(type)->New());
  fill(*inner, std::min<uint64_t>(size, kAnySizeMax), depth - 3);
  const std::string value = inner->SerializeAsString();
  if (behind_another_ && value.empty()) return;
  const pb::Reflection& r = *message.GetReflection();
  r.SetString(&message, any.field(0), std::string("type.googleapis.com/") + name);
  r.SetString(&message, any.field(1), value);
}

// A Value always has a kind, and its numbers are finite.
void Filler::fill_value(Message& message, uint64_t size, int depth) {
  constexpr int kScalars = 4;  // they are its first members
  constexpr int kNumber = 1;
  const pb::Descriptor& type = *message.GetDescriptor();
  const bool deep = depth > 0 && size > kFieldCost;
  const auto member =
      static_cast<int>(draw_.below(static_cast<uint64_t>(deep ? type.field_count() : kScalars)));
  if (member == kNumber) {
    double number = real();
    if (!std::isfinite(number)) number = 0.5;
    message.GetReflection()->SetDouble(&message, type.field(member), number);
  } else {
    set_one(message, *type.field(member), size, depth);
  }
}

uint64_t Filler::bits() {
  switch (draw_.below(4)) {
    case 0: return draw_.below(3);
    case 1: return draw_.below(100'000);
    case 2: return uint64_t{0} - draw_.below(1000);
    default: return draw_.below(uint64_t{0} - 1);
  }
}

double Filler::real() {
  switch (draw_.below(7)) {
    case 0: return 0;
    case 1: return -0.0;
    case 2: return static_cast<double>(static_cast<int64_t>(bits()) % 100'000) / 100;
    case 3: return draw_.one_in(2) ? std::numeric_limits<double>::infinity() : -INFINITY;
    case 4: return std::numeric_limits<double>::quiet_NaN();
    case 5: return std::ldexp(static_cast<double>(draw_.below(1'000'003)), -50);
    default: return std::bit_cast<double>(bits());
  }
}

// Text of `size` bytes or a few more: mostly plain, with what has to be escaped here and there.
std::string Filler::text(uint64_t size) {
  static constexpr const char* kPieces[] = {"\"", "\\", "\n", "\x01", "é", "€", "😀", "/", "\x7f"};
  const bool plain = draw_.one_in(2);
  std::string text;
  for (uint64_t count = log_size(size); text.size() < count;) {
    if (plain || !draw_.one_in(8))
      text.append(log_size(40), static_cast<char>('a' + draw_.below(26)));
    else
      text += kPieces[draw_.below(std::size(kPieces))];
  }
  if (draw_.one_in(20)) text.clear();
  return text;
}

std::string Filler::octets(uint64_t size) {
  std::string octets(log_size(size), '\0');
  for (char& c : octets) c = static_cast<char>(draw_.below(256));
  return octets;
}

}  // namespace parley::roundtrip
