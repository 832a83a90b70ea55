#include "door/grpc_door.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "door/grpc_stream.h"
#include "door/media_type.h"
#include "door/peer.h"
#include "door/responder.h"
#include "door/timeout.h"
#include "loop/combine.h"

namespace parley::door {
namespace {

constexpr std::string_view kGrpcType = "application/grpc";
constexpr size_t kEncodingNameMax = 64;

// "application/grpc" and "application/grpc+proto", with any parameters.
bool is_grpc_type(std::string_view text) {
  if (text == kGrpcType) return true;
  const auto media = MediaType::parse(text);
  return media && (media->is("application", "grpc") || media->is("application", "grpc+proto"));
}

// A list of encodings that can go upstream as it is.
bool encodings_valid(std::string_view text) {
  return text.size() <= kEncodingNameMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// One exchange over gRPC, while it lasts.
class GrpcVisit {
 public:
  GrpcVisit(http::Exchange& exchange, Catalogue& catalogue, loop::Loop& loop, Counts& counts)
      : exchange_(exchange),
        catalogue_(catalogue),
        loop_(loop),
        counts_(counts),
        replies_(exchange) {}

  loop::Task<void> run();

 private:
  Result<void> check_http() const;
  Result<void> find_method();
  Result<void> take_encodings();
  Result<void> make_call();
  Result<void> prepare();
  loop::Task<Result<call::Outcome>> serve();
  AnswerContext context() const;

  http::Exchange& exchange_;
  Catalogue& catalogue_;
  loop::Loop& loop_;
  Counts& counts_;
  const Exposed* exposed_ = nullptr;
  call::Call call_;
  std::optional<GrpcMessages> messages_;
  GrpcReplies replies_;
};

loop::Task<void> GrpcVisit::run() {
  if (const auto checked = check_http(); !checked)
    co_return answer_problem(exchange_, checked.error(), context());
  if (const auto prepared = prepare(); !prepared)
    co_return answer_grpc_failure(exchange_, prepared.error(), context());
  auto outcome = co_await loop::with_deadline(loop_, serve(), call_.deadline, catalogue_.curfew());
  exchange_.record().endpoint = call_.notes.endpoint;
  AnswerContext about = context();
  if (!outcome) co_return answer_grpc_failure(exchange_, outcome.error(), about);
  about.trailers = &outcome->trailers;
  if (!outcome->ok()) co_return answer_grpc_failure(exchange_, *outcome->failure, about);
  replies_.finish(outcome->trailers);
}

AnswerContext GrpcVisit::context() const {
  AnswerContext context{.settings = &catalogue_.settings(),
                        .known_types = catalogue_.known_types()};
  if (exposed_ != nullptr) context.settings = exposed_->settings;
  return context;
}

Result<void> GrpcVisit::check_http() const {
  if (!is_grpc_type(exchange_.request().fields.find(FieldId::ContentType).value_or("")))
    return Failure(Reason::MediaTypeUnsupported,
                   "of gRPC's content types only application/grpc and application/grpc+proto are "
                   "served")
        .field("accept", "application/grpc, application/grpc+proto");
  if (exchange_.version() < http::Version::Http2)
    return Failure(Reason::VersionUnsupported, "gRPC needs HTTP/2");
  return {};
}

Result<void> GrpcVisit::prepare() {
  if (exchange_.request().verb() != "POST")
    return Failure(Reason::VerbNotAllowed, "gRPC calls are POST requests");
  TRY_VOID(find_method());
  TRY_VOID(take_encodings());
  return make_call();
}

Result<void> GrpcVisit::find_method() {
  const std::string_view path = exchange_.request().target();
  exposed_ = catalogue_.find_method(path);
  if (exposed_ != nullptr) {
    exchange_.record().method = exposed_->method->full_name;
    return {};
  }
  if (const std::string_view why = catalogue_.pending(); !why.empty())
    return Failure(Reason::ContractPending, std::string(why));
  return Failure(Reason::MethodUnknown, fmt::format("no method {} is served", path));
}

Result<void> GrpcVisit::take_encodings() {
  const Fields& request = exchange_.request().fields;
  const std::string_view encoding = request.find(FieldId::GrpcEncoding).value_or("");
  const std::string_view accepted = request.find(FieldId::GrpcAcceptEncoding).value_or("");
  if (!encodings_valid(encoding) || !encodings_valid(accepted))
    return Failure(Reason::EncodingUnsupported, "the grpc-encoding is not valid");
  call_.encoding = encoding == "identity" ? std::string_view() : encoding;
  call_.accept_encoding = accepted;
  return {};
}

Result<void> GrpcVisit::make_call() {
  call_.method = exposed_->method;
  call_.protocol = "grpc";
  call_.request_id = exchange_.record().request_id;
  call_.peer = peer_of(exchange_);
  call_.identity = identity_of(call_.peer);
  TRY(deadline, call_deadline(exchange_.request().fields, exchange_.record().started, *call_.method,
                              *exposed_->settings, false));
  call_.deadline = deadline;
  TRY(metadata, grpc_metadata(exchange_, {.settings = exposed_->settings->metadata,
                                          .bytes_max = catalogue_.metadata_bytes_max(*exposed_),
                                          .upstream = exposed_->upstream,
                                          .peer = call_.peer,
                                          .scratch = call_.arena,
                                          .counts = counts_}));
  call_.metadata = std::move(metadata);
  const bool compressed = !call_.encoding.empty();
  messages_.emplace(exchange_, exposed_->settings->message_bytes_max, compressed,
                    call_.method->client_streaming);
  call_.requests = &*messages_;
  return {};
}

loop::Task<Result<call::Outcome>> GrpcVisit::serve() {
  // A unary call takes a place at the upstream with its message: clients that keep theirs back hold
  // none. Mostly it has come with the head.
  if (!call_.method->client_streaming && !exchange_.request_ended())
    CO_TRY_VOID(co_await messages_->arrive());
  co_return co_await catalogue_.service().serve(call_, replies_);
}

}  // namespace

bool speaks_grpc(const http::RequestHead& head) {
  const std::string_view type = head.fields.find(FieldId::ContentType).value_or("");
  return type.size() >= kGrpcType.size() &&
         ascii_equal(type.substr(0, kGrpcType.size()), kGrpcType);
}

loop::Task<void> serve_grpc(http::Exchange& exchange, Catalogue& catalogue, loop::Loop& loop,
                            Counts& counts) {
  GrpcVisit visit(exchange, catalogue, loop, counts);
  co_await visit.run();
}

}  // namespace parley::door
