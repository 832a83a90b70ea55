#include "door/rest_door.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "door/media_type.h"
#include "door/peer.h"
#include "door/preference.h"
#include "door/responder.h"
#include "door/rest_binding.h"
#include "door/rest_content.h"
#include "door/rest_reply.h"
#include "door/rest_router.h"
#include "door/single_message.h"
#include "door/stream_reply.h"
#include "door/timeout.h"
#include "loop/combine.h"

namespace parley::door {
namespace {

constexpr std::array<std::string_view, 1> kUnaryTypes = {"application/json"};
constexpr std::array<std::string_view, 4> kStreamTypes = {
    "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json"};

// One exchange over REST, while it lasts.
class RestVisit {
 public:
  RestVisit(http::Exchange& exchange, Catalogue& catalogue, loop::Loop& loop, Counts& counts)
      : exchange_(exchange), catalogue_(catalogue), loop_(loop), counts_(counts) {}

  loop::Task<void> run();

 private:
  // The steps of a request, in this order; the first that fails is the answer.
  Result<void> take_path();
  Result<void> find_route();
  Result<void> check_streaming() const;
  Result<void> choose_content_type();
  Result<void> make_call();
  Result<void> prepare();

  bool answer_options();
  loop::Task<Result<call::Outcome>> serve(call::Replies& replies);
  loop::Task<void> serve_unary();
  loop::Task<void> serve_stream();
  bool wants_no_content() const;
  bool without_body() const { return exchange_.request().verb() == "HEAD"; }
  void answer(const Fields& metadata, const Fields& trailers, std::optional<ReplyBody> body);
  loop::Task<void> answer_in_pieces(const AnswerContext& about, const Bytes& message);
  void add_head_fields(const Fields& metadata, const Fields& trailers, http::ResponseHead& head);
  void fail(const Failure& failure) { answer_problem(exchange_, failure, context()); }

  Failure message_too_large() const;

  const contract::Method& method() const { return *match_.route->exposed->method; }
  const Settings& settings() const { return *match_.route->exposed->settings; }
  AnswerContext context() const;

  http::Exchange& exchange_;
  Catalogue& catalogue_;
  loop::Loop& loop_;
  Counts& counts_;
  RequestPath path_;
  std::string_view query_;
  RouteMatch match_;
  ContentKind content_ = ContentKind::None;
  std::string_view content_type_;  // of a JSON answer
  call::Call call_;
  SingleMessage message_;
  std::optional<RestBinding> binding_;
  std::optional<ReplyFormat> format_;
};

loop::Task<void> RestVisit::run() {
  if (const auto taken = take_path(); !taken) co_return fail(taken.error());
  if (exchange_.request().verb() == "OPTIONS" && answer_options()) co_return;
  if (const auto prepared = prepare(); !prepared) co_return fail(prepared.error());
  if (method().server_streaming) {
    co_await serve_stream();
  } else {
    co_await serve_unary();
  }
}

AnswerContext RestVisit::context() const {
  AnswerContext context{.settings = &catalogue_.settings(),
                        .known_types = catalogue_.known_types()};
  if (match_.route != nullptr) {
    context.settings = &settings();
    context.types = match_.route->exposed->programs;
  }
  return context;
}

Result<void> RestVisit::take_path() {
  const std::string_view target = exchange_.request().target();
  const size_t question = target.find('?');
  if (question != std::string_view::npos) query_ = target.substr(question + 1);
  if (target == "*" && exchange_.request().verb() == "OPTIONS") return {};
  TRY(path, RequestPath::parse(target.substr(0, question)));
  path_ = path;
  return {};
}

// What a path has, unless a rule of the contract serves OPTIONS itself.
bool RestVisit::answer_options() {
  const RestRouter& router = catalogue_.router();
  const bool everything = path_.raw().empty();
  if (!everything && router.match("OPTIONS", path_).route != nullptr) return false;
  const std::string allow = everything ? router.allow_all() : router.allow(path_);
  if (allow.empty() && !everything) return false;
  http::ResponseHead head;
  head.status = 204;
  head.fields.add(FieldId::Allow, allow);
  head.fields.add(FieldId::XRequestId, exchange_.record().request_id);
  exchange_.begin(std::move(head), true);
  return true;
}

Result<void> RestVisit::prepare() {
  TRY_VOID(find_route());
  TRY_VOID(check_streaming());
  TRY_VOID(make_call());
  binding_.emplace(match_, call_.arena);
  TRY_VOID(binding_->bind_path(path_));
  TRY_VOID(binding_->bind_query(query_));
  format_.emplace(*match_.route, binding_->system());
  TRY_VOID(choose_content_type());
  content_ = content_kind(*match_.route->rule, method());
  return check_content(exchange_, content_, settings().message_bytes_max);
}

Result<void> RestVisit::find_route() {
  const RestRouter& router = catalogue_.router();
  const std::string_view verb = exchange_.request().verb();
  match_ = router.match(verb, path_);
  if (match_.route != nullptr) {
    exchange_.record().method = method().full_name;
    exchange_.record().route = match_.route->template_text();
    return {};
  }
  if (std::string allow = router.allow(path_); !allow.empty()) {
    Failure failure(Reason::VerbNotAllowed,
                    fmt::format("this path has no {}, but {}", verb, allow));
    return failure.field("allow", allow);
  }
  if (const std::string_view why = catalogue_.pending(); !why.empty())
    return Failure(Reason::ContractPending, std::string(why));
  return Failure(Reason::RouteUnknown, fmt::format("no route matches {} {}", verb, path_.raw()));
}

Result<void> RestVisit::check_streaming() const {
  if (!method().client_streaming) return {};
  return Failure(Reason::StreamingUnsupported,
                 fmt::format("{} streams requests, which REST cannot: call it over gRPC, at "
                             "POST {} on HTTP/2",
                             method().full_name, method().path));
}

Result<void> RestVisit::choose_content_type() {
  if (format_->plain()) return {};
  const auto types = method().server_streaming ? std::span<const std::string_view>(kStreamTypes)
                                               : std::span<const std::string_view>(kUnaryTypes);
  const auto chosen = negotiate(exchange_.request().fields, types);
  if (!chosen)
    return Failure(Reason::NotAcceptable,
                   fmt::format("the answer would be {}, which Accept leaves out", types.front()));
  content_type_ = types[*chosen];
  return {};
}

Result<void> RestVisit::make_call() {
  const Exposed& exposed = *match_.route->exposed;
  call_.method = exposed.method;
  call_.protocol = "rest";
  call_.request_id = exchange_.record().request_id;
  call_.requests = &message_;
  call_.peer = peer_of(exchange_);
  call_.identity = identity_of(call_.peer);
  const http::RequestHead& head = exchange_.request();
  TRY(deadline, call_deadline(head.fields, exchange_.record().started, method(), settings(), true));
  call_.deadline = deadline;
  TRY(metadata, rest_metadata(exchange_, {.settings = settings().metadata,
                                          .bytes_max = catalogue_.metadata_bytes_max(exposed),
                                          .upstream = exposed.upstream,
                                          .peer = call_.peer,
                                          .scratch = call_.arena,
                                          .counts = counts_}));
  call_.metadata = std::move(metadata);
  return {};
}

// Reads the content, makes the message and calls: everything that the deadline bounds.
loop::Task<Result<call::Outcome>> RestVisit::serve(call::Replies& replies) {
  CO_TRY(content, co_await read_content(exchange_, content_, settings().message_bytes_max));
  CO_TRY_VOID(binding_->bind_body(exchange_.request(), content));
  content = Bytes();
  message_.set(binding_->take());
  if (message_.size() > settings().message_bytes_max) co_return message_too_large();
  co_return co_await catalogue_.service().serve(call_, replies);
}

Failure RestVisit::message_too_large() const {
  Failure failure(Reason::BodyTooLarge,
                  fmt::format("the request's message has {} bytes, more than {}", message_.size(),
                              settings().message_bytes_max));
  failure.with_limit("message_bytes_max");
  return failure;
}

loop::Task<void> RestVisit::serve_unary() {
  UnaryReply reply(settings().message_bytes_max);
  auto outcome =
      co_await loop::with_deadline(loop_, serve(reply), call_.deadline, catalogue_.curfew());
  exchange_.record().endpoint = call_.notes.endpoint;
  AnswerContext about = context();
  about.metadata = &reply.metadata();
  if (reply.failure()) co_return answer_problem(exchange_, *reply.failure(), about);
  if (!outcome) co_return answer_problem(exchange_, outcome.error(), about);
  about.trailers = &outcome->trailers;
  if (!outcome->ok()) co_return answer_problem(exchange_, *outcome->failure, about);
  const auto message = reply.take_message();
  if (!message) co_return answer_problem(exchange_, message.error(), about);
  if (wants_no_content()) co_return answer(reply.metadata(), outcome->trailers, std::nullopt);
  if (message->size() >= kPiecewiseMin && !format_->plain() && !without_body())
    co_return co_await answer_in_pieces(about, *message);
  auto body = encode_reply(*format_, *message);
  if (!body) co_return answer_problem(exchange_, body.error(), about);
  answer(reply.metadata(), outcome->trailers, *std::move(body));
}

// Only of what changes something: who reads wants to see it.
bool RestVisit::wants_no_content() const {
  const std::string_view verb = exchange_.request().verb();
  return verb != "GET" && verb != "HEAD" && prefers_minimal(exchange_.request().fields);
}

// Without a body: the client preferred none.
void RestVisit::answer(const Fields& metadata, const Fields& trailers,
                       std::optional<ReplyBody> body) {
  http::ResponseHead head;
  if (body) {
    head.fields.add(FieldId::ContentType, body->content_type);
    head.fields.add(FieldId::ContentLength, fmt::format_int(body->bytes.size()).c_str());
  } else {
    head.status = 204;
    head.fields.add("preference-applied", "return=minimal");
  }
  add_head_fields(metadata, trailers, head);
  const bool bodiless = !body || body->bytes.empty() || without_body();
  exchange_.begin(std::move(head), bodiless);
  if (!bodiless) exchange_.finish_with(std::move(body->bytes));
}

void RestVisit::add_head_fields(const Fields& metadata, const Fields& trailers,
                                http::ResponseHead& head) {
  exchange_.record().code_known = true;
  head.fields.add(FieldId::XRequestId, exchange_.record().request_id);
  add_client_fields(metadata, settings().metadata, head.fields);
  add_client_fields(trailers, settings().metadata, head.fields);
}

// A long answer: its length is not known when it begins, and what is wrong with its end breaks it
// off.
loop::Task<void> RestVisit::answer_in_pieces(const AnswerContext& about, const Bytes& message) {
  const auto pieces = pieces_of(*format_, message);
  auto piece = pieces->next(kPieceBytes);
  if (!piece) co_return answer_problem(exchange_, piece.error(), about);
  http::ResponseHead head;
  head.fields.add(FieldId::ContentType, "application/json");
  add_head_fields(*about.metadata, *about.trailers, head);
  exchange_.begin(std::move(head));
  while (piece && !piece->empty()) {
    if (!co_await exchange_.write(*std::move(piece))) co_return;
    piece = pieces->next(kPieceBytes);
  }
  if (piece && format_->json.pretty) co_return exchange_.finish_with(Bytes::copy("\n"));
  if (piece) co_return exchange_.finish();
  note_failure(exchange_.record(), piece.error());
  exchange_.reset(piece.error().code());
}

loop::Task<void> RestVisit::serve_stream() {
  StreamReply reply(exchange_, loop_, *format_, content_type_, context());
  if (exchange_.request().verb() == "HEAD") co_return reply.answer_head();
  reply.start();
  auto outcome =
      co_await loop::with_deadline(loop_, serve(reply), call_.deadline, catalogue_.curfew());
  exchange_.record().endpoint = call_.notes.endpoint;
  co_await reply.finish(std::move(outcome));
}

}  // namespace

loop::Task<void> serve_rest(http::Exchange& exchange, Catalogue& catalogue, loop::Loop& loop,
                            Counts& counts) {
  RestVisit visit(exchange, catalogue, loop, counts);
  co_await visit.run();
}

}  // namespace parley::door
