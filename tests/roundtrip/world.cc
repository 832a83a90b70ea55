#include "roundtrip/world.h"

#include <cmath>

#include <fmt/format.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/field_comparator.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/protobuf/wrappers.pb.h>

#include "base/assert.h"
#include "contract/load.h"
#include "roundtrip/schema.h"
#include "wire/field_selection.h"
#include "wire/json_pieces.h"
#include "wire/json_to_wire.h"

namespace parley::roundtrip {

namespace pb = google::protobuf;

namespace {

constexpr double kLargest = 1 << 20;
constexpr double kMedian = 300;
constexpr double kSmallest = kMedian * kMedian / kLargest;  // below one: empty
constexpr double kSmallSmallest = 2;
constexpr double kSmallLargest = kMedian * kMedian / kSmallSmallest;
constexpr uint16_t kDepthMax = 300;  // the messages are deeper than what clients may send

// Copies: protobuf looks for the types inside of an Any in the pool that has the Any.
std::vector<pb::FileDescriptorProto> well_known_files() {
  std::vector<pb::FileDescriptorProto> files;
  for (const pb::Descriptor* const type :
       {pb::Any::descriptor(), pb::Duration::descriptor(), pb::Empty::descriptor(),
        pb::FieldMask::descriptor(), pb::Struct::descriptor(), pb::Timestamp::descriptor(),
        pb::BoolValue::descriptor()})
    type->file()->CopyTo(&files.emplace_back());
  return files;
}

std::unique_ptr<contract::Contract> load(const std::vector<pb::FileDescriptorProto>& files) {
  contract::Source source;
  for (const auto& file : files) source.files.push_back(file.SerializeAsString());
  contract::Loaded loaded = contract::load(std::move(source));
  for (const auto& problem : loaded.problems) fmt::print("{}\n", problem.text());
  PARLEY_ASSERT(loaded.contract.has_value());
  return std::make_unique<contract::Contract>(std::move(*loaded.contract));
}

// Empty when they are the same.
std::string difference(const pb::Message& a, const pb::Message& b) {
  pb::util::MessageDifferencer differencer;
  std::string text;
  differencer.ReportDifferencesToString(&text);
  pb::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  differencer.set_field_comparator(&comparator);
  return differencer.Compare(a, b) ? "" : text + " ";
}

}  // namespace

World::World(uint64_t seed, Sizes sizes)
    : draw_(seed), seed_(seed), sizes_(sizes), factory_(&pool_), filler_(draw_, pool_, factory_) {
  std::vector<pb::FileDescriptorProto> files = well_known_files();
  files.push_back(draw_schema(draw_));
  for (const auto& file : files) {
    const bool built = pool_.BuildFile(file) != nullptr;
    if (!built) fmt::print("seed {}: {}\n", seed, file.DebugString());
    PARLEY_ASSERT(built);
  }
  root_ = pool_.FindMessageTypeByName("r.M0");
  contract_ = load(files);
  programs_ = std::make_unique<wire::Programs>(*contract_);
}

bool World::run(std::vector<uint64_t>& sizes) {
  for (int i = 0; i < kMessages; ++i) {
    const std::string wire = draw_wire();
    sizes.push_back(wire.size());
    if (!round_trip(wire)) return false;
  }
  return true;
}

bool World::round_trip(const std::string& wire) {
  const wire::Program& program = *programs_->find(root_->full_name());
  const Bytes padded = Bytes::copy(wire);
  ByteBuffer json;
  const wire::JsonWriteOptions options = draw_options();
  const auto written = wire::wire_to_json(program, padded.view(), options, json);
  if (!written) return complain(written.error().message(), "");
  const Bytes text = json.take();
  if (draw_.one_in(4) && !same_in_pieces(program, padded, options, text.view())) return false;
  if (draw_.one_in(4) && !same_selected(program, padded, options)) return false;
  ByteBuffer again;
  const auto read = wire::json_to_wire(program, text.view(), {.depth_max = kDepthMax}, again);
  if (!read) return complain(read.error().message(), text.view());
  const std::string differs = difference(*parsed(wire), *parsed(again.view()));
  return differs.empty() || complain(differs, text.view());
}

bool World::same_in_pieces(const wire::Program& program, const Bytes& wire,
                           const wire::JsonWriteOptions& options, std::string_view whole) {
  wire::JsonPieces pieces(program, wire.view(), options);
  const size_t bytes = 1 + draw_.below(whole.size());
  std::string text;
  for (;;) {
    const auto piece = pieces.next(bytes);
    if (!piece) return complain("in pieces: " + piece.error().message(), whole);
    if (piece->empty()) break;
    text += piece->view();
  }
  return text == whole || complain("in pieces it is another text", whole);
}

// One field, with those that are required, is what is left when all others are gone.
bool World::same_selected(const wire::Program& program, const Bytes& wire,
                          wire::JsonWriteOptions options) {
  const auto fields = static_cast<uint64_t>(root_->field_count());
  if (fields == 0) return true;
  const auto& field = *root_->field(static_cast<int>(draw_.below(fields)));
  const auto is_selected = [&](const pb::FieldDescriptor& one) {
    return &one == &field || one.is_required();
  };
  std::string names = field.name();
  for (int i = 0; i < root_->field_count(); ++i)
    if (is_selected(*root_->field(i))) names += "," + root_->field(i)->name();
  wire::FieldSelection selection;
  const std::string problem = selection.parse(program, names, kDepthMax);
  if (!problem.empty()) return complain(problem, "");
  options.selection = selection.root();
  ByteBuffer json;
  const auto written = wire::wire_to_json(program, wire.view(), options, json);
  if (!written) return complain("selected: " + written.error().message(), "");
  const Bytes text = json.take();
  ByteBuffer again;
  const auto read = wire::json_to_wire(program, text.view(), {.depth_max = kDepthMax}, again);
  if (!read) return complain("selected: " + read.error().message(), text.view());
  const std::unique_ptr<Message> left = parsed(wire.view());
  for (int i = 0; i < root_->field_count(); ++i)
    if (!is_selected(*root_->field(i)))
      left->GetReflection()->ClearField(left.get(), root_->field(i));
  const std::string differs = difference(*left, *parsed(again.view()));
  return differs.empty() || complain("selected: " + differs, text.view());
}

bool World::complain(const std::string& what, std::string_view json) {
  constexpr size_t kShown = 4000;
  fmt::print("seed {}: {}\n{}\n{}\n", seed_, what.substr(0, kShown), json.substr(0, kShown),
             root_->file()->DebugString().substr(0, kShown));
  return false;
}

// One message, or now and then two behind each other, which are one: their fields come back.
std::string World::draw_wire() {
  std::string wire;
  const int parts = draw_.one_in(8) ? 2 : 1;
  for (int part = 0; part < parts; ++part) {
    const std::unique_ptr<Message> message(factory_.GetPrototype(root_)->New());
    filler_.fill(*message, draw_size(), part > 0);
    wire += message->SerializePartialAsString();
  }
  return wire;
}

uint64_t World::draw_size() {
  const auto log_uniform = [&](double least, double most) {
    constexpr uint64_t kSteps = 1 << 30;
    const double share = static_cast<double>(draw_.below(kSteps)) / kSteps;
    return static_cast<uint64_t>(std::exp(std::log(least) + share * std::log(most / least)));
  };
  if (sizes_ == Sizes::All) return log_uniform(kSmallest, kLargest);
  if (draw_.one_in(200)) return log_uniform(kSmallLargest, kLargest);
  return log_uniform(kSmallSmallest, kSmallLargest);
}

wire::JsonWriteOptions World::draw_options() {
  const bool plain = draw_.one_in(2);
  return {.presence_set_only = draw_.one_in(2),
          .int64_numbers = !plain && draw_.one_in(2),
          .enum_numbers = !plain && draw_.one_in(2),
          .proto_names = !plain && draw_.one_in(2),
          .pretty = !plain && draw_.one_in(2),
          .depth_max = kDepthMax};
}

std::unique_ptr<pb::Message> World::parsed(std::string_view wire) {
  std::unique_ptr<Message> message(factory_.GetPrototype(root_)->New());
  const bool ok = message->ParsePartialFromArray(wire.data(), static_cast<int>(wire.size()));
  PARLEY_ASSERT(ok);
  return message;
}

}  // namespace parley::roundtrip
