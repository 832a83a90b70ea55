#include "http/http2_exchange.h"

#include <charconv>
#include <utility>

#include "http/date.h"
#include "http/http2_request.h"
#include "http/syntax.h"
#include "http/timed_wait.h"

namespace parley::http {
namespace {

// A header so many times over the limit is no mistake any more: HPACK makes it of few bytes.
constexpr uint32_t kExcessMax = 4;

}  // namespace

Http2Exchange::Http2Exchange(Http2Core& core, Http2ExchangeOwner& owner, int32_t id)
    : Http2Stream(core, id),
      taking(answer_pace(owner.context().settings)),
      owner_(owner),
      pace_(owner.context().settings) {
  const Settings& settings = owner.context().settings;
  request_.fields = Fields(http2_head_limits(settings));
  received_trailers = Fields({settings.header_bytes_max, settings.header_count_max});
  record_.started = core.loop().now();
}

const net::Address& Http2Exchange::peer() const { return core_.stream().peer(); }
const net::TlsInfo& Http2Exchange::tls() const { return core_.stream().tls(); }

void Http2Exchange::on_field(std::string_view name, std::string_view value, bool never_index) {
  Fields& to = head_complete_ ? received_trailers : request_.fields;
  if (to.append(name, value, never_index)) return;
  const Settings& settings = owner_.context().settings;
  if (!refusal_) refusal_ = http2_fields_too_large(settings, to);
  excess_bytes_ += name.size() + value.size() + 32;
  if (excess_bytes_ > size_t{kExcessMax} * settings.header_bytes_max)
    core_.flood().trip("header_bytes_max", "a header far over the limit");
}

void Http2Exchange::on_head_complete() {
  if (head_complete_) return strip_trailers();
  head_complete_ = true;
  const Settings& settings = owner_.context().settings;
  if (!refusal_) refusal_ = check_http2_head(settings, request_.fields, peer().is_unix());
  owner_.serve(*this, std::exchange(refusal_, std::nullopt));
}

// As of HTTP/1.1: fields that would change the request's meaning come too late (RFC 9110, 6.5.1).
void Http2Exchange::strip_trailers() {
  Fields kept(received_trailers.limits());
  for (const Field field : received_trailers) {
    if (!is_forbidden_in_trailers(field)) kept.add(field);
  }
  received_trailers = std::move(kept);
}

void Http2Exchange::on_closed() {
  unlink();
  owner_.closed(*this);
}

std::optional<uint64_t> Http2Exchange::content_length() const {
  const auto text = request_.fields.find(FieldId::ContentLength);
  uint64_t length = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), length).ec != std::errc())
    return std::nullopt;
  return length;
}

loop::Task<Result<Bytes>> Http2Exchange::read() {
  loop::Loop& loop = core_.loop();
  while (received.empty()) {
    if (received_end && refusal_) co_return refusal_->clone();  // trailers over the limit
    if (received_end) co_return Bytes();
    if (closed)
      co_return Failure(Reason::ClientGone, "the client reset the stream").from(Origin::Client);
    send_continue();
    const Instant due = body_may_pause_ ? kNever : pace_.wait(loop.now());
    if (loop.now() >= due) co_return pace_.failure(loop.now());
    co_await TimedWait(arrived, due);
  }
  continued_ = true;
  Bytes chunk = take_received();
  pace_.moved(loop.now(), chunk.size());
  record_.request_bytes += chunk.size();
  co_return chunk;
}

// RFC 9110, 10.1.1: the client waits for this with its body.
void Http2Exchange::send_continue() {
  const bool waits = !continued_ && request_.fields.find(FieldId::Expect);
  continued_ = true;
  if (waits) inform(100, {});
}

void Http2Exchange::inform(uint16_t status, const Fields& fields) {
  if (closed || begun()) return;
  const std::string text = std::to_string(status);
  Fields head;
  head.add(FieldId::PseudoStatus, text);
  for (const Field field : fields) head.add(field);
  auto list = to_nghttp2(head);
  for (nghttp2_nv& item : list) item.flags = NGHTTP2_NV_FLAG_NONE;  // copied: `head` ends here
  nghttp2_submit_headers(core_.session(), NGHTTP2_FLAG_NONE, id(), nullptr, list.data(),
                         list.size(), nullptr);
  core_.wants_flush();
}

void Http2Exchange::begin(ResponseHead head, bool ends) {
  PARLEY_ASSERT(!begun());
  record_.status = head.status;
  finished_ = ends;
  if (closed) return;
  response_ = std::move(head);
  add_answer_fields(response_);
  if (!response_.fields.find(FieldId::Date))  // RFC 9110, 6.6.1
    response_.fields.add(FieldId::Date, http_date(core_.loop().wall()));
  status_text_ = std::to_string(response_.status);
  std::vector<nghttp2_nv> list;
  list.reserve(response_.fields.size() + 1);
  const std::string_view name = field_name(FieldId::PseudoStatus);
  list.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                  reinterpret_cast<uint8_t*>(status_text_.data()), name.size(), status_text_.size(),
                  NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE});
  append_nghttp2(response_.fields, list);
  const nghttp2_data_provider body = Http2Core::body_of(*this);
  nghttp2_submit_response(core_.session(), id(), list.data(), list.size(), ends ? nullptr : &body);
  core_.wants_flush();
}

loop::Task<Result<void>> Http2Exchange::write(Bytes bytes) {
  record_.response_bytes += bytes.size();
  send(std::move(bytes), false);
  while (!closed && sending.size() >= core_.write_buffer_bytes()) co_await left.wait();
  if (closed)
    co_return Failure(Reason::ClientGone, "the client reset the stream").from(Origin::Client);
  co_return {};
}

void Http2Exchange::finish(Fields trailers) {
  if (finished_) return;
  finished_ = true;
  send_end(std::move(trailers));
}

void Http2Exchange::finish_with(Bytes last) {
  if (finished_) return;
  finished_ = true;
  record_.response_bytes += last.size();
  send(std::move(last), true);
}

void Http2Exchange::reset(Code code) {
  if (finished_ && closed) return;
  finished_ = true;
  record_.reset = true;
  if (closed) return;
  const uint32_t error = code == Code::Cancelled ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR;
  nghttp2_submit_rst_stream(core_.session(), NGHTTP2_FLAG_NONE, id(), error);
  core_.wants_flush();
}

void Http2Exchange::close_after() { owner_.go_away(); }

}  // namespace parley::http
