// protobuf C++'s own JSON, with generated messages and by the descriptors alone; simdjson, which
// only parses; and the judge of everybody's answers:
//
//   PROGRAM FOLDER reference                      writes SHAPE.bin for each SHAPE.json
//   PROGRAM FOLDER check DIRECTION SHAPE ANSWER   what is wrong with the answer in that file
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/protobuf/util/type_resolver_util.h>
#include <simdjson.h>

#include "codec/cpp/harness.h"
#include "lab.pb.h"

namespace {

namespace util = google::protobuf::util;
using codec_bench::Direction;
using codec_bench::Shape;
using google::protobuf::Message;
using MessagePtr = std::unique_ptr<Message>;

constexpr std::string_view kUrlPrefix = "type.googleapis.com";

const google::protobuf::DescriptorPool& pool() {
  // Linking the generated messages is what puts them into the pool.
  return *lab::User::descriptor()->file()->pool();
}

MessagePtr make_message(const std::string& type) {
  const auto* const descriptor = pool().FindMessageTypeByName(type);
  codec_bench::require(descriptor != nullptr, type);
  auto* const factory = google::protobuf::MessageFactory::generated_factory();
  return MessagePtr(factory->GetPrototype(descriptor)->New());
}

// What the cases refer to.
struct Codecs {
  explicit Codecs(const std::string& folder) : shapes(codec_bench::read_shapes(folder)) {
    for (const Shape& shape : shapes) padded.emplace_back(shape.json);
  }

  std::string_view read_generated(const Shape& shape) {
    const MessagePtr message = make_message(shape.type);
    codec_bench::require(util::JsonStringToMessage(shape.json, message.get()).ok(), "JSON refused");
    message->SerializeToString(&out);
    return out;
  }

  std::string_view write_generated(const Shape& shape) {
    const MessagePtr message = make_message(shape.type);
    out.clear();
    codec_bench::require(message->ParseFromString(shape.wire), "wire refused");
    codec_bench::require(util::MessageToJsonString(*message, &out).ok(), "not written");
    return out;
  }

  std::string_view read_resolved(const std::string& url, const Shape& shape) {
    out.clear();
    const auto status = util::JsonToBinaryString(resolver.get(), url, shape.json, &out);
    codec_bench::require(status.ok(), "JSON refused");
    return out;
  }

  std::string_view write_resolved(const std::string& url, const Shape& shape) {
    out.clear();
    const auto status = util::BinaryToJsonString(resolver.get(), url, shape.wire, &out);
    codec_bench::require(status.ok(), "wire refused");
    return out;
  }

  std::string_view parse(const simdjson::padded_string& json) {
    codec_bench::require(parser.parse(json).error() == simdjson::SUCCESS, "JSON refused");
    return {};
  }

  std::vector<Shape> shapes;
  std::vector<simdjson::padded_string> padded;  // the JSON of each shape
  simdjson::dom::parser parser;
  std::unique_ptr<util::TypeResolver> resolver{
      util::NewTypeResolverForDescriptorPool(std::string(kUrlPrefix), &pool())};
  std::string out;
};

void add_both(std::vector<codec_bench::Case>& cases, const char* candidate, const Shape& shape,
              codec_bench::Work read, codec_bench::Work write) {
  cases.push_back({case_name(candidate, Direction::JsonToWire, shape), std::move(read)});
  cases.push_back({case_name(candidate, Direction::WireToJson, shape), std::move(write)});
}

std::vector<codec_bench::Case> cases_of(Codecs& codecs) {
  std::vector<codec_bench::Case> cases;
  for (size_t i = 0; i < codecs.shapes.size(); ++i) {
    const Shape& shape = codecs.shapes[i];
    const auto& padded = codecs.padded[i];
    const std::string url = std::string(kUrlPrefix) + "/" + shape.type;
    add_both(
        cases, "protobuf-generated", shape, [&] { return codecs.read_generated(shape); },
        [&] { return codecs.write_generated(shape); });
    add_both(
        cases, "protobuf-resolver", shape, [&, url] { return codecs.read_resolved(url, shape); },
        [&, url] { return codecs.write_resolved(url, shape); });
    cases.push_back({case_name("simdjson", Direction::JsonToWire, shape),
                     [&] { return codecs.parse(padded); }});
  }
  return cases;
}

void write_references(const std::string& folder) {
  for (const Shape& shape : codec_bench::read_documents(folder)) {
    const MessagePtr message = make_message(shape.type);
    codec_bench::require(util::JsonStringToMessage(shape.json, message.get()).ok(), shape.name);
    std::ofstream file(folder + "/" + shape.name + ".bin", std::ios::binary);
    codec_bench::require(message->SerializeToOstream(&file), shape.name);
  }
}

// Compares by meaning: field order and the way a number is written are free.
void check(const std::string& folder, const std::string& direction, const std::string& name,
           const std::string& answer_path) {
  for (const Shape& shape : codec_bench::read_shapes(folder)) {
    if (shape.name != name) continue;
    const MessagePtr expected = make_message(shape.type), got = make_message(shape.type);
    const std::string answer = codec_bench::read_file(answer_path);
    const bool is_wire = direction == "json-to-wire";
    codec_bench::require(expected->ParseFromString(shape.wire), "SHAPE.bin");
    codec_bench::require(
        is_wire ? got->ParseFromString(answer) : util::JsonStringToMessage(answer, got.get()).ok(),
        is_wire ? "the answer is no such message" : "the answer is not its JSON");
    util::MessageDifferencer differencer;
    std::string differences;
    differencer.ReportDifferencesToString(&differences);
    codec_bench::require(differencer.Compare(*expected, *got), differences.substr(0, 300));
    return;
  }
  codec_bench::require(false, "no shape " + name);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[1] == "reference") {
    write_references(words[0]);
    return 0;
  }
  if (words.size() == 5 && words[1] == "check") {
    check(words[0], words[2], words[3], words[4]);
    return 0;
  }
  std::unique_ptr<Codecs> codecs;
  return codec_bench::run(argc, argv, [&](const std::string& folder) {
    codecs = std::make_unique<Codecs>(folder);
    return cases_of(*codecs);
  });
}
