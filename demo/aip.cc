#include "aip.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <memory>
#include <vector>

#include <google/protobuf/util/field_mask_util.h>

#include "google/api/field_behavior.pb.h"

namespace shop {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::util::FieldMaskUtil;

constexpr int64_t nanos_per_cent = 10'000'000;

bool behaves(const FieldDescriptor* field, google::api::FieldBehavior behavior) {
  const auto& options = field->options();
  const int count = options.ExtensionSize(google::api::field_behavior);
  for (int i = 0; i < count; ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == behavior) return true;
  }
  return false;
}

bool is_set(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  return field->is_repeated() ? reflection->FieldSize(message, field) > 0
                              : reflection->HasField(message, field);
}

// Calls `visit(message, path)` for the messages directly inside `message`; maps are data.
template <typename Visit>
void each_child(const Message& message, const std::string& prefix, Visit visit) {
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    const std::string path = prefix + field->name();
    if (!field->is_repeated()) {
      visit(reflection->GetMessage(message, field), path + ".");
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      visit(reflection->GetRepeatedMessage(message, field, i),
            path + "[" + std::to_string(i) + "].");
    }
  }
}

void find_missing(const Message& message, const std::string& prefix, Violations& violations) {
  const auto* descriptor = message.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (behaves(field, google::api::REQUIRED) && !is_set(message, field)) {
      violations.push_back({prefix + field->name(), "is required"});
    }
  }
  each_child(message, prefix, [&](const Message& child, const std::string& path) {
    find_missing(child, path, violations);
  });
}

// The fields that an update leaves alone.
std::vector<const FieldDescriptor*> kept_fields(const google::protobuf::Descriptor* descriptor) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (behaves(field, google::api::OUTPUT_ONLY) || behaves(field, google::api::IMMUTABLE) ||
        behaves(field, google::api::IDENTIFIER) || field->name() == "etag") {
      fields.push_back(field);
    }
  }
  return fields;
}

// Whether a field is the same in both, apart from what the service fills in.
bool equal(const FieldDescriptor* field, const Message& left, const Message& right) {
  const auto bytes = [field](const Message& message) {
    std::unique_ptr<Message> all(message.New());
    std::unique_ptr<Message> one(message.New());
    all->CopyFrom(message);
    all->GetReflection()->SwapFields(all.get(), one.get(), {field});
    clear_output_only(*one);
    return one->SerializeAsString();
  };
  return bytes(left) == bytes(right);
}

Violations check_mask(const FieldMask& mask, const Message& patch, const Message& target) {
  Violations violations;
  for (const auto& path : mask.paths()) {
    std::vector<const FieldDescriptor*> fields;
    if (!FieldMaskUtil::GetFieldDescriptors(target.GetDescriptor(), path, &fields)) {
      violations.push_back({"update_mask", "there is no field " + path});
    } else if (behaves(fields.front(), google::api::IMMUTABLE) &&
               !equal(fields.front(), patch, target)) {
      violations.push_back({"update_mask", path + " never changes"});
    }
  }
  return violations;
}

FieldMask mask_of_set_fields(const Message& message) {
  FieldMask mask;
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const auto* field : fields) mask.add_paths(field->name());
  return mask;
}

int64_t bounded_ms(int64_t seconds, int32_t nanos) {
  constexpr int64_t seconds_max = 315'576'000'000;  // 10,000 years.
  return std::clamp(seconds, -seconds_max, seconds_max) * 1000 + nanos / 1'000'000;
}

uint64_t hash(std::string_view bytes) {  // FNV-1a.
  uint64_t value = 0xcbf29ce484222325;
  for (const char c : bytes) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value;
}

std::string hex(uint64_t value, size_t digits) {
  char buffer[17];
  std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(value));
  return std::string(buffer + (16 - digits), digits);
}

uint32_t hash_of_rest(const Message& request) {
  std::unique_ptr<Message> rest(request.New());
  rest->CopyFrom(request);
  const auto* descriptor = rest->GetDescriptor();
  rest->GetReflection()->ClearField(rest.get(), descriptor->FindFieldByName("page_size"));
  rest->GetReflection()->ClearField(rest.get(), descriptor->FindFieldByName("page_token"));
  return static_cast<uint32_t>(hash(rest->SerializeAsString()));
}

}  // namespace

int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

google::protobuf::Timestamp timestamp(int64_t ms) {
  google::protobuf::Timestamp time;
  time.set_seconds(ms / 1000);
  time.set_nanos(static_cast<int32_t>(ms % 1000 * 1'000'000));
  return time;
}

int64_t milliseconds(const google::protobuf::Timestamp& time) {
  return bounded_ms(time.seconds(), time.nanos());
}

int64_t milliseconds(const google::protobuf::Duration& duration) {
  return bounded_ms(duration.seconds(), duration.nanos());
}

google::type::Money euros(int64_t cents) {
  google::type::Money money;
  money.set_currency_code("EUR");
  money.set_units(cents / 100);
  money.set_nanos(static_cast<int32_t>(cents % 100 * nanos_per_cent));
  return money;
}

std::optional<int64_t> cents(const google::type::Money& money) {
  constexpr int64_t units_max = 1'000'000'000;
  if (money.currency_code() != "EUR" || money.units() < 0 || money.units() > units_max) return {};
  if (money.nanos() < 0 || money.nanos() >= 100 * nanos_per_cent) return {};
  if (money.nanos() % nanos_per_cent != 0) return {};
  return money.units() * 100 + money.nanos() / nanos_per_cent;
}

Violations missing_fields(const Message& message, const std::string& prefix) {
  Violations violations;
  find_missing(message, prefix, violations);
  return violations;
}

void clear_output_only(Message& message) {
  const auto* descriptor = message.GetDescriptor();
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (behaves(field, google::api::OUTPUT_ONLY)) reflection->ClearField(&message, field);
  }
  each_child(message, "", [](const Message& child, const std::string&) {
    clear_output_only(const_cast<Message&>(child));  // A part of `message`, which is ours to write.
  });
}

Violations update(const Message& patch, const FieldMask& mask, Message& target) {
  const bool everything = mask.paths_size() == 1 && mask.paths(0) == "*";
  if (!everything) {
    if (auto violations = check_mask(mask, patch, target); !violations.empty()) {
      return violations;
    }
  }
  std::unique_ptr<Message> input(patch.New());
  input->CopyFrom(patch);
  clear_output_only(*input);
  std::unique_ptr<Message> old(target.New());
  old->CopyFrom(target);

  if (everything) {
    target.CopyFrom(*input);
  } else {
    FieldMaskUtil::MergeOptions options;
    options.set_replace_message_fields(true);
    options.set_replace_repeated_fields(true);
    FieldMaskUtil::MergeMessageTo(*input, mask.paths().empty() ? mask_of_set_fields(*input) : mask,
                                  options, &target);
  }
  target.GetReflection()->SwapFields(&target, old.get(), kept_fields(target.GetDescriptor()));
  return {};
}

std::string make_etag(int64_t id, int64_t written_ms) {
  static std::atomic<uint64_t> writes = 0;  // Two writes may share a millisecond.
  const std::string seed = std::to_string(id) + "/" + std::to_string(written_ms) + "/";
  return hex(hash(seed + std::to_string(writes.fetch_add(1))), 16);
}

grpc::Status check_etag(std::string_view sent, std::string_view current) {
  return sent.empty() || sent == current ? grpc::Status::OK : etag_differs(current);
}

grpc::Status read_page(const Message& request, Page& page) {
  const auto* descriptor = request.GetDescriptor();
  const auto* reflection = request.GetReflection();
  const int size = reflection->GetInt32(request, descriptor->FindFieldByName("page_size"));
  if (size < 0) return invalid("page_size", "is negative");
  page.size = size == 0 ? page_size_default : std::min(size, page_size_max);

  const auto token = reflection->GetString(request, descriptor->FindFieldByName("page_token"));
  if (token.empty()) return grpc::Status::OK;
  uint64_t id = 0;
  const char* const digits_end = token.data() + std::min<size_t>(token.size(), 16);
  const auto [end, error] = std::from_chars(token.data(), digits_end, id, 16);
  if (error != std::errc() || end != digits_end ||
      page_token(request, static_cast<int64_t>(id)) != token) {
    return invalid("page_token", "is not a token that this request has returned");
  }
  page.after = static_cast<int64_t>(id);
  return grpc::Status::OK;
}

std::string page_token(const Message& request, int64_t last_id) {
  return hex(static_cast<uint64_t>(last_id), 16) + hex(hash_of_rest(request), 8);
}

grpc::Status check_batch(int size, const std::string& field) {
  if (size == 0) return invalid(field, "is required");
  if (size > batch_max) return invalid(field, "has more than " + std::to_string(batch_max));
  return grpc::Status::OK;
}

}  // namespace shop
