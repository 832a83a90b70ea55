#include "service/reflection.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "service/unary.h"
#include "wire/wire_reader.h"
#include "wire/wire_writer.h"

namespace parley::service {
namespace {

using wire::append_bytes_field;
using wire::append_varint_field;

// ServerReflectionRequest's fields; those of the oneof name the question.
enum class Question : uint32_t {
  None = 0,
  FileByFilename = 3,
  FileContainingSymbol = 4,
  FileContainingExtension = 5,
  AllExtensionNumbersOfType = 6,
  ListServices = 7,
};
struct Request {
  std::string_view host;
  Question question = Question::None;
  std::string_view argument;  // the name, or the serialized ExtensionRequest
};

// ServerReflectionResponse's fields.
constexpr uint32_t kValidHost = 1;
constexpr uint32_t kOriginalRequest = 2;
constexpr uint32_t kFileDescriptorResponse = 4;
constexpr uint32_t kExtensionNumberResponse = 5;
constexpr uint32_t kListServiceResponse = 6;
constexpr uint32_t kErrorResponse = 7;

Result<Request> read_request(const Bytes& message) {
  Request request;
  wire::WireReader reader(message.view());
  while (reader.next()) {
    const uint32_t number = reader.number();
    if (reader.type() != wire::WireType::Length) {
      reader.skip();
      continue;
    }
    const std::string_view content = reader.bytes();
    if (number == 1) request.host = content;
    if (number < 3 || number > 7) continue;
    request.question = static_cast<Question>(number);
    request.argument = content;
  }
  if (reader.failed()) return Failure(Reason::BodyInvalid, "the request is not a valid message");
  return request;
}

// ExtensionRequest: string containing_type = 1, int32 extension_number = 2.
struct Extension {
  std::string_view type;
  int32_t number = 0;
};
Extension read_extension(std::string_view message) {
  Extension extension;
  wire::WireReader reader(message);
  while (reader.next()) {
    if (reader.number() == 1) {
      extension.type = reader.bytes_or(extension.type);
    } else if (reader.number() == 2) {
      extension.number = static_cast<int32_t>(reader.varint_or(0));
    } else {
      reader.skip();
    }
  }
  return extension;
}

// One stream of questions. A file comes with those of its imports that this stream has not seen
// yet: so they are of the same contract, even where another has a file of the same name.
class Conversation {
 public:
  explicit Conversation(const ReflectionIndex& index) : index_(index) {}

  Bytes answer(const Request& request, std::string_view original) {
    ByteBuffer out;
    append_bytes_field(out, kValidHost, request.host);
    append_bytes_field(out, kOriginalRequest, original);
    answer_question(request, out);
    return out.take();
  }

 private:
  void answer_question(const Request& request, ByteBuffer& out);
  void answer_file(const ShownFile* file, std::string_view what, ByteBuffer& out);
  void answer_extension_numbers(std::string_view type, ByteBuffer& out);
  void answer_services(ByteBuffer& out);
  static void answer_error(Code code, std::string_view message, ByteBuffer& out);

  const ReflectionIndex& index_;
  std::set<const ShownFile*> sent_;
};

void Conversation::answer_question(const Request& request, ByteBuffer& out) {
  const std::string_view name = request.argument;
  switch (request.question) {
    case Question::FileByFilename:
      return answer_file(index_.file(name), fmt::format("file \"{}\"", name), out);
    case Question::FileContainingSymbol:
      return answer_file(index_.file_of_symbol(name), fmt::format("symbol \"{}\"", name), out);
    case Question::FileContainingExtension: {
      const Extension extension = read_extension(name);
      return answer_file(index_.file_of_extension(extension.type, extension.number),
                         fmt::format("extension {} of \"{}\"", extension.number, extension.type),
                         out);
    }
    case Question::AllExtensionNumbersOfType: return answer_extension_numbers(name, out);
    case Question::ListServices: return answer_services(out);
    case Question::None: break;
  }
  answer_error(Code::InvalidArgument, "the request asks nothing that is known", out);
}

// FileDescriptorResponse: repeated bytes file_descriptor_proto = 1. The file that was asked for
// comes first, even when it was sent before.
void Conversation::answer_file(const ShownFile* file, std::string_view what, ByteBuffer& out) {
  if (file == nullptr) return answer_error(Code::NotFound, fmt::format("no {} here", what), out);
  ByteBuffer files;
  std::vector<const ShownFile*> found = {file};
  sent_.insert(file);
  for (size_t i = 0; i < found.size(); ++i) {
    append_bytes_field(files, 1, found[i]->descriptor);
    for (const ShownFile* import : found[i]->imports)
      if (sent_.insert(import).second) found.push_back(import);
  }
  append_bytes_field(out, kFileDescriptorResponse, files.view());
}

// ExtensionNumberResponse: string base_type_name = 1, repeated int32 extension_number = 2, packed.
void Conversation::answer_extension_numbers(std::string_view type, ByteBuffer& out) {
  const std::vector<int32_t>* const numbers = index_.extension_numbers(type);
  if (numbers == nullptr)
    return answer_error(Code::NotFound, fmt::format("no message \"{}\" here", type), out);
  ByteBuffer packed;
  for (const int32_t number : *numbers) wire::append_varint(packed, static_cast<uint64_t>(number));
  ByteBuffer response;
  append_bytes_field(response, 1, type);
  if (!numbers->empty()) append_bytes_field(response, 2, packed.view());
  append_bytes_field(out, kExtensionNumberResponse, response.view());
}

// ListServiceResponse: repeated ServiceResponse service = 1 {string name = 1}.
void Conversation::answer_services(ByteBuffer& out) {
  ByteBuffer list;
  for (const std::string_view name : index_.services()) {
    ByteBuffer service;
    append_bytes_field(service, 1, name);
    append_bytes_field(list, 1, service.view());
  }
  append_bytes_field(out, kListServiceResponse, list.view());
}

// ErrorResponse: int32 error_code = 1, string error_message = 2.
void Conversation::answer_error(Code code, std::string_view message, ByteBuffer& out) {
  ByteBuffer error;
  append_varint_field(error, 1, static_cast<uint64_t>(code));
  append_bytes_field(error, 2, message);
  append_bytes_field(out, kErrorResponse, error.view());
}

}  // namespace

loop::Task<call::Outcome> Reflection::serve(call::Call& call, call::Replies& replies) {
  Conversation conversation(source_.reflection());
  for (;;) {
    CO_TRY(message, co_await read_next(call));
    if (!message) co_return call::Outcome();
    CO_TRY(request, read_request(*message));
    Result<void> written =
        co_await replies.write(call::whole_message(conversation.answer(request, message->view())));
    if (!written) co_return std::move(written.error());
  }
}

}  // namespace parley::service
