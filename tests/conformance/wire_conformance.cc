// Our codec as protobuf's conformance suite asks for it (conformance/conformance.proto): it reads
// requests from stdin and writes responses to stdout until stdin ends. Each is a message behind its
// length, 4 bytes, little-endian. What is JSON on one side or both goes through the codec; the
// rest (binary to binary, text format) is skipped.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "contract/known_types.h"
#include "wire/json_to_wire.h"
#include "wire/program.h"
#include "wire/wire_reader.h"
#include "wire/wire_to_json.h"
#include "wire/wire_writer.h"

namespace parley {

std::string_view test_messages_set();  // compiled into the program (CMakeLists.txt)

namespace {

// Numbers of conformance.WireFormat and TestCategory.
enum class Format : uint64_t { Protobuf = 1, Json = 2 };
constexpr uint64_t kIgnoreUnknown = 3;

// conformance.ConformanceRequest.
struct Request {
  enum Field : uint32_t {
    ProtobufPayload = 1,
    JsonPayload = 2,
    OutputFormat = 3,
    MessageType = 4,
    TestCategory = 5,
    JspbPayload = 7,
    TextPayload = 8,
  };
  uint32_t payload_field = 0;
  std::string_view payload;
  uint64_t output = 0;
  std::string_view type;
  uint64_t category = 0;
};

// Of conformance.ConformanceResponse: which member of its oneof.
enum class Answer : uint32_t {
  ParseError = 1,
  RuntimeError = 2,
  Protobuf = 3,
  Json = 4,
  Skipped = 5,
  SerializeError = 6,
};

bool parse(std::string_view bytes, Request& request) {
  wire::WireReader reader(bytes);
  while (reader.next()) {
    switch (reader.number()) {
      case Request::ProtobufPayload:
      case Request::JsonPayload:
      case Request::JspbPayload:
      case Request::TextPayload:
        request.payload_field = reader.number();
        request.payload = reader.bytes_or({});
        break;
      case Request::OutputFormat: request.output = reader.varint_or(0); break;
      case Request::MessageType: request.type = reader.bytes_or({}); break;
      case Request::TestCategory: request.category = reader.varint_or(0); break;
      default: reader.skip();
    }
  }
  return !reader.failed();
}

std::string answer(Answer kind, std::string_view text) {
  ByteBuffer out;
  wire::append_bytes_field(out, static_cast<uint32_t>(kind), text);
  return std::string(out.view());
}

std::string convert(const wire::Programs& programs, const Request& request) {
  // The runner first asks for failures that are known. There are none.
  if (request.type == "conformance.FailureSet") return answer(Answer::Protobuf, {});
  const wire::Program* const program = programs.find(request.type);
  if (program == nullptr) return answer(Answer::RuntimeError, "no such message type");
  const bool from_json = request.payload_field == Request::JsonPayload;
  const auto output = static_cast<Format>(request.output);
  const bool to_json = output == Format::Json;
  if (!from_json && request.payload_field != Request::ProtobufPayload)
    return answer(Answer::Skipped, "neither protobuf nor JSON");
  if (!to_json && (output != Format::Protobuf || !from_json))
    return answer(Answer::Skipped, "no JSON on either side");

  ByteBuffer wire;
  if (from_json) {
    const wire::JsonReadOptions options{.ignore_unknown = request.category == kIgnoreUnknown};
    const Bytes padded = Bytes::copy(request.payload);
    const auto read = wire::json_to_wire(*program, padded.view(), options, wire);
    if (!read) return answer(Answer::ParseError, read.error().message());
    if (!to_json) return answer(Answer::Protobuf, wire.view());
  } else {
    wire.append(request.payload);
  }
  const Bytes padded = wire.take();
  ByteBuffer json;
  // Validators of the suite want fields that are not set left out.
  const wire::JsonWriteOptions options{.presence_set_only = true};
  const auto written = wire::wire_to_json(*program, padded.view(), options, json);
  // The codec parses while it writes: bytes that are no message would be told as this as well.
  if (!written) return answer(Answer::SerializeError, written.error().message());
  return answer(Answer::Json, json.view());
}

bool read_frame(std::string& frame) {
  uint32_t size = 0;
  if (std::fread(&size, sizeof size, 1, stdin) != 1) return false;
  frame.resize(size);
  return std::fread(frame.data(), 1, size, stdin) == size;
}

bool write_frame(std::string_view frame) {
  const auto size = static_cast<uint32_t>(frame.size());
  return std::fwrite(&size, sizeof size, 1, stdout) == 1 &&
         std::fwrite(frame.data(), 1, frame.size(), stdout) == frame.size() &&
         std::fflush(stdout) == 0;
}

int serve() {
  const contract::Contract contract = contract::load_built_in(test_messages_set());
  const wire::Programs programs(contract);
  std::string frame;
  while (read_frame(frame)) {
    Request request;
    const std::string response = parse(frame, request)
                                     ? convert(programs, request)
                                     : answer(Answer::RuntimeError, "the request is no message");
    if (!write_frame(response)) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace parley

int main() { return parley::serve(); }
