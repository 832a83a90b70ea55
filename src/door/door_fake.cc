#include "door/door_fake.h"

#include "contract/contract_fake.h"

namespace parley::door {

const wire::Programs& google_types() {
  static const contract::Contract contract = contract::contract_from(R"(
      syntax = "proto3";
      package known;
      import "google/rpc/error_details.proto";
      import "google/rpc/status.proto";
      message Known {
        google.rpc.Status status = 1;
        google.rpc.BadRequest bad_request = 2;
      })");
  static const wire::Programs programs(contract);
  return programs;
}

FakeExchange::FakeExchange(loop::Loop& loop, std::string_view verb, std::string_view target)
    : peer_(net::Address::parse("192.0.2.7:4711").value_or(net::Address())), arrived_(loop) {
  request_.fields.add(FieldId::PseudoMethod, verb);
  request_.fields.add(FieldId::PseudoScheme, "http");
  request_.fields.add(FieldId::PseudoAuthority, "api.example.com");
  request_.fields.add(FieldId::PseudoPath, target);
  record_.started = loop.now();
}

void FakeExchange::send(std::string_view chunk) {
  chunks_.emplace_back(chunk);
  arrived_.notify();
}

void FakeExchange::end() {
  open_ = false;
  arrived_.notify();
}

loop::Task<Result<Bytes>> FakeExchange::read() {
  while (chunks_.empty() && open_) co_await arrived_.wait();
  if (chunks_.empty()) co_return Bytes();
  const std::string chunk = std::move(chunks_.front());
  chunks_.pop_front();
  co_return Bytes::copy(chunk);
}

void FakeExchange::inform(uint16_t status, const Fields& fields) {
  (void)status;
  (void)fields;
}

void FakeExchange::begin(http::ResponseHead head, bool ends) {
  PARLEY_ASSERT(!begun() && head.status >= 200);
  answer_ = std::move(head);
  add_answer_fields(answer_);
  record_.status = answer_.status;
  finished_ = ends;
}

loop::Task<Result<void>> FakeExchange::write(Bytes bytes) {
  PARLEY_ASSERT(begun() && !finished_);
  if (!accepts_writes_) co_return Failure(Reason::ClientGone, "the client is gone");
  body_ += bytes.view();
  writes_.emplace_back(bytes.view());
  co_return {};
}

void FakeExchange::finish(Fields trailers) {
  PARLEY_ASSERT(begun() && !finished_);
  answer_trailers_ = std::move(trailers);
  finished_ = true;
}

void FakeExchange::finish_with(Bytes last) {
  PARLEY_ASSERT(begun() && !finished_);
  body_ += last.view();
  finished_ = true;
}

void FakeExchange::reset(Code code) {
  reset_ = code;
  finished_ = true;
}

loop::Task<std::optional<Failure>> FakeCallService::take_requests(call::Call& call,
                                                                  SeenCall& seen) {
  bool first = true;
  for (;;) {
    auto part = co_await call.requests->next();
    if (!part) co_return std::move(part.error());
    if (!*part) co_return std::nullopt;
    if ((*part)->first) {
      seen.messages.emplace_back();
      seen.compressed.push_back((*part)->compressed);
    }
    seen.messages.back() += (*part)->data.view();
    if (echo && first) replies.clear();
    first = false;
    if (echo) replies.push_back(**part);
  }
}

namespace {
struct Alive {
  explicit Alive(size_t& of) : count(of) { ++count; }
  ~Alive() { --count; }
  size_t& count;
};
}  // namespace

loop::Task<call::Outcome> FakeCallService::serve(call::Call& call, call::Replies& to) {
  const Alive alive(running);
  const size_t index = calls.size();
  SeenCall& noted = calls.emplace_back();
  noted.method = call.method;
  noted.metadata = call.metadata;
  noted.deadline = call.deadline;
  noted.request_id = call.request_id;
  noted.encoding = call.encoding;
  noted.peer = call.peer.address;
  call.notes.endpoint = "fake:1";
  SeenCall seen;
  auto broken = co_await take_requests(call, seen);
  calls[index].messages = seen.messages;
  calls[index].compressed = seen.compressed;
  if (broken) co_return *broken;
  if (waits_before_metadata) co_await go.wait();
  if (sends_metadata) to.metadata(metadata);
  if (waits_before_messages) co_await go.wait();
  for (const call::MessagePart& part : replies) {
    if (auto written = co_await to.write(part); !written) co_return std::move(written.error());
    if (waits_between_messages) co_await go.wait();
  }
  if (waits_before_end) co_await go.wait();
  call::Outcome outcome;
  if (failure) outcome.failure = failure->clone();
  outcome.trailers = trailers;
  co_return outcome;
}

void FakeCatalogue::add(contract::Contract contract, std::string_view upstream) {
  parts_.push_back(std::make_unique<Part>(std::move(contract), &google_types()));
  add(parts_.back()->programs, upstream);
}

void FakeCatalogue::add(const wire::Programs& programs, std::string_view upstream) {
  for (const contract::Service& service : programs.contract().services()) {
    for (const contract::Method& method : service.methods)
      exposed_.push_back({&method, &programs, &settings_, upstream});
  }
}

void FakeCatalogue::build() {
  std::vector<const Exposed*> methods;
  for (const Exposed& exposed : exposed_) methods.push_back(&exposed);
  router_ = RestRouter::build(methods, conflicts_);
}

const Exposed* FakeCatalogue::find_method(std::string_view path) const {
  for (const Exposed& exposed : exposed_) {
    if (exposed.method->path == path) return &exposed;
  }
  return nullptr;
}

const wire::Programs* FakeCatalogue::known_types() const { return &google_types(); }

DoorScene::DoorScene(std::string_view proto_text, const Settings& settings)
    : service(fake.loop),
      catalogue(new FakeCatalogue(service, settings)),
      doors(fake.loop),
      tasks_(fake.loop) {
  catalogue->add(contract::contract_from(proto_text));
  catalogue->build();
  doors.publish(CatalogueRef(catalogue));
}

DoorScene::DoorScene(const wire::Programs& programs, const Settings& settings)
    : service(fake.loop),
      catalogue(new FakeCatalogue(service, settings)),
      doors(fake.loop),
      tasks_(fake.loop) {
  catalogue->add(programs);
  catalogue->build();
  doors.publish(CatalogueRef(catalogue));
}

DoorScene::~DoorScene() { tasks_.cancel_all(); }

FakeExchange& DoorScene::request(std::string_view verb, std::string_view target) {
  exchanges_.push_back(std::make_unique<FakeExchange>(fake.loop, verb, target));
  return *exchanges_.back();
}

void DoorScene::start(FakeExchange& exchange) {
  last_ = tasks_.spawn(doors.serve(exchange));
  fake.loop.run_until_idle();
}

FakeExchange& DoorScene::refuse(std::string_view verb, std::string_view target, Failure failure) {
  FakeExchange& exchange = request(verb, target);
  refuse(exchange, std::move(failure));
  return exchange;
}

void DoorScene::refuse(FakeExchange& exchange, Failure failure) {
  last_ = tasks_.spawn(doors.refuse(exchange, std::move(failure)));
  fake.loop.run_until_idle();
}

FakeExchange& DoorScene::ask(std::string_view verb, std::string_view target,
                             std::string_view json) {
  FakeExchange& exchange = request(verb, target);
  if (!json.empty()) exchange.send(json);
  start(exchange);
  return exchange;
}

void DoorScene::cancel() { tasks_.cancel(last_); }

}  // namespace parley::door
