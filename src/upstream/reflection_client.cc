#include "upstream/reflection_client.h"

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "loop/combine.h"
#include "loop/task_set.h"
#include "upstream/grpc_caller.h"
#include "wire/wire_reader.h"
#include "wire/wire_writer.h"

namespace parley::upstream {
namespace {

constexpr size_t kFilesMax = 20'000;
constexpr size_t kAnswerBytesMax = 64 << 20;
constexpr Duration kFetchTimeout = std::chrono::seconds(30);

// Field numbers of ServerReflectionRequest and ServerReflectionResponse
// (grpc/reflection/v1/reflection.proto).
constexpr uint32_t kFileByFilename = 3;
constexpr uint32_t kFileContainingSymbol = 4;
constexpr uint32_t kListServices = 7;
constexpr uint32_t kFileDescriptorResponse = 4;
constexpr uint32_t kListServicesResponse = 6;
constexpr uint32_t kErrorResponse = 7;

// One reflection stream: a question, its answer, the next question.
//
//   start → ask* → destroyed
class ReflectionStream final : public call::Messages, public call::Replies {
 public:
  ReflectionStream(Cluster& cluster, std::string_view path)
      : caller_(cluster),
        asked_(cluster.loop()),
        answered_(cluster.loop()),
        tasks_(cluster.loop()) {
    method_.path = path;
    method_.client_streaming = method_.server_streaming = true;
    call_.method = &method_;
    call_.requests = this;
    call_.deadline = deadline_after(cluster.loop().now(), kFetchTimeout);
    tasks_.spawn(run());
  }

  // The serialized ServerReflectionResponse.
  loop::Task<Result<std::string>> ask(uint32_t field, std::string_view value) {
    ByteBuffer request;
    wire::append_bytes_field(request, field, value);
    question_ = request.take();
    asked_.notify();
    while (!answer_ && !ended_) co_await answered_.wait();
    if (!answer_) co_return std::move(*ended_);
    co_return *std::exchange(answer_, std::nullopt);
  }

 private:
  loop::Task<void> run() {
    call::Outcome outcome = co_await caller_.serve(call_, *this);
    ended_ = outcome.failure
                 ? std::move(*outcome.failure)
                 : Failure(Reason::UpstreamMalformed, "the reflection stream ended early");
    answered_.notify();
  }

  loop::Task<Result<std::optional<call::MessagePart>>> next() override {
    while (!question_) co_await asked_.wait();
    co_return std::optional(call::whole_message(*std::exchange(question_, std::nullopt)));
  }

  void metadata(Fields) override {}
  loop::Task<Result<void>> write(call::MessagePart part) override {
    if (part.compressed || part.total > kAnswerBytesMax) {
      co_return Failure(Reason::UpstreamTooLarge, "a reflection answer is too large");
    }
    gathered_.append(part.data.view());
    if (part.last) {
      answer_ = std::exchange(gathered_, {});
      answered_.notify();
    }
    co_return {};
  }

  GrpcCaller caller_;
  contract::Method method_;
  call::Call call_;
  std::optional<Bytes> question_;
  std::optional<std::string> answer_;
  std::string gathered_;
  std::optional<Failure> ended_;
  loop::Signal asked_;
  loop::Signal answered_;
  loop::TaskSet tasks_;
};

bool is_own_service(std::string_view name) {
  return name.starts_with("grpc.") || name.starts_with("envoy.") || name.starts_with("parley.");
}

Failure malformed() {
  return Failure(Reason::UpstreamMalformed, "a reflection answer cannot be read");
}

// The bytes of the one field of the response that the question was about; nullopt: an
// error_response.
Result<std::optional<std::string_view>> answer_field(std::string_view response, uint32_t field) {
  wire::WireReader reader(response);
  std::optional<std::string_view> found;
  bool refused = false;
  while (reader.next()) {
    if (reader.number() == field) {
      found = reader.bytes_or("");
    } else {
      refused = refused || reader.number() == kErrorResponse;
      reader.skip();
    }
  }
  if (reader.failed() || (!found && !refused)) return malformed();
  return found;
}

// The values of a repeated bytes or string field.
Result<std::vector<std::string_view>> repeated_bytes(std::string_view message, uint32_t field) {
  std::vector<std::string_view> values;
  wire::WireReader reader(message);
  while (reader.next()) {
    if (reader.number() == field) {
      values.push_back(reader.bytes_or(""));
    } else {
      reader.skip();
    }
  }
  if (reader.failed()) return malformed();
  return values;
}

// Collects files and what they import.
class Fetch {
 public:
  explicit Fetch(ReflectionStream& stream) : stream_(stream) {}

  loop::Task<Result<contract::Source>> run() {
    CO_TRY(services, co_await list_services());
    for (const std::string& service : services) {
      if (is_own_service(service)) continue;
      CO_TRY(found, co_await ask_files(kFileContainingSymbol, service));
      if (!found) {
        co_return Failure(Reason::UpstreamMalformed,
                          "it lists " + service + " but has no file for it");
      }
    }
    while (!missing_.empty()) {
      const std::string name = std::move(missing_.front());
      missing_.pop_front();
      if (!have_.contains(name)) CO_TRY_VOID(co_await ask_import(name));
    }
    co_return std::move(source_);
  }

 private:
  loop::Task<Result<std::vector<std::string>>> list_services() {
    CO_TRY(response, co_await stream_.ask(kListServices, "*"));
    CO_TRY(list, answer_field(response, kListServicesResponse));
    if (!list) co_return Failure(Reason::UpstreamMalformed, "it does not list its services");
    CO_TRY(entries, repeated_bytes(*list, 1));
    std::vector<std::string> names;
    for (const std::string_view entry : entries) {
      CO_TRY(name, repeated_bytes(entry, 1));
      if (!name.empty()) names.emplace_back(name.back());
    }
    co_return names;
  }

  loop::Task<Result<void>> ask_import(const std::string& name) {
    auto found = co_await ask_files(kFileByFilename, name);
    if (!found) co_return std::move(found.error());
    have_.insert(name);  // found or not: it is not asked for twice
    co_return {};
  }

  // False: the upstream does not have it.
  loop::Task<Result<bool>> ask_files(uint32_t field, std::string_view value) {
    CO_TRY(response, co_await stream_.ask(field, value));
    CO_TRY(list, answer_field(response, kFileDescriptorResponse));
    if (!list) co_return false;
    CO_TRY(files, repeated_bytes(*list, 1));
    for (const std::string_view file : files) CO_TRY_VOID(add(file));
    co_return true;
  }

  Result<void> add(std::string_view file) {
    constexpr uint32_t kName = 1;  // of FileDescriptorProto
    constexpr uint32_t kDependency = 3;
    TRY(names, repeated_bytes(file, kName));
    if (names.empty()) return malformed();
    if (!have_.emplace(names.back()).second) return {};
    bytes_ += file.size();
    if (source_.files.size() >= kFilesMax || bytes_ > contract::kSourceBytesMax) {
      return Failure(Reason::UpstreamTooLarge, "its contract is too large");
    }
    source_.files.emplace_back(file);
    TRY(imports, repeated_bytes(file, kDependency));
    for (const std::string_view import : imports) missing_.emplace_back(import);
    return {};
  }

  ReflectionStream& stream_;
  contract::Source source_;
  std::set<std::string, std::less<>> have_;
  std::deque<std::string> missing_;
  size_t bytes_ = 0;
};

loop::Task<Result<contract::Source>> fetch_by(Cluster& cluster, std::string_view path) {
  ReflectionStream stream(cluster, path);
  Fetch fetch(stream);
  co_return co_await fetch.run();
}

}  // namespace

loop::Task<Result<contract::Source>> fetch_contract(Cluster& cluster) {
  for (const std::string_view path :
       {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
    auto source = co_await loop::with_deadline(cluster.loop(), fetch_by(cluster, path),
                                               deadline_after(cluster.loop().now(), kFetchTimeout));
    if (source || source.error().code() != Code::Unimplemented) co_return source;
  }
  co_return Failure(Code::Unimplemented,
                    "it has no server reflection: enable it, or pass the contract with "
                    "--proto FILE -I DIR or --descriptor-set FILE");
}

}  // namespace parley::upstream
