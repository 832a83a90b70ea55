#include "http/http2_exchange.h"

#include <charconv>
#include <utility>

#include "base/ascii.h"
#include "http/syntax.h"
#include "http/timed_wait.h"

namespace parley::http {

Http2Exchange::Http2Exchange(Http2Core& core, Http2ExchangeOwner& owner, int32_t id)
    : Http2Stream(core, id), owner_(owner), pace_(owner.context().settings) {
  const Settings& settings = owner.context().settings;
  request_.fields = Fields({settings.header_bytes_max, settings.header_count_max});
  received_trailers = Fields({settings.header_bytes_max, settings.header_count_max});
  record_.started = core.loop().now();
}

const net::Address& Http2Exchange::peer() const { return core_.stream().peer(); }
const net::TlsInfo& Http2Exchange::tls() const { return core_.stream().tls(); }

void Http2Exchange::on_field(std::string_view name, std::string_view value, bool never_index) {
  Fields& to = head_complete_ ? received_trailers : request_.fields;
  if (to.append(name, value, never_index) || refusal_) return;
  refuse_large(to);
}

// `fields`: the header, or the trailers, which fail the read of the body's end.
void Http2Exchange::refuse_large(const Fields& fields) {
  const bool many = fields.size() >= fields.limits().count_max;
  refusal_ = Failure(Reason::HeadersTooLarge, head_complete_ ? "the trailers are over the limit"
                                                             : "the header is over the limit")
                 .from(Origin::Client)
                 .with_limit(many ? "http.header_count_max" : "http.header_bytes_max")
                 .take();
}

void Http2Exchange::on_head_complete() {
  if (head_complete_) return;  // trailers
  head_complete_ = true;
  if (!refusal_) check_head();
  owner_.serve(*this, std::exchange(refusal_, std::nullopt));
}

// What nghttp2 leaves to us of RFC 9113, 8.3.1, as HTTP/1.1 has it, and our own limits.
void Http2Exchange::check_head() {
  const size_t url_bytes_max = owner_.context().settings.url_bytes_max;
  const std::string_view target = request_.target();
  const std::string_view scheme = request_.scheme();
  if (request_.verb() == "CONNECT") return refuse_malformed("CONNECT is not served");
  if (scheme != "http" && scheme != "https") {
    return refuse_malformed("`:scheme` is neither http nor https");
  }
  if (target.size() > url_bytes_max) {
    refusal_ = Failure(Reason::UrlTooLong,
                       "the URL is longer than " + std::to_string(url_bytes_max) + " bytes")
                   .from(Origin::Client)
                   .with_limit("http.url_bytes_max")
                   .take();
    return;
  }
  if (target == "*" ? request_.verb() != "OPTIONS"
                    : find_invalid_in_target(target) != std::string_view::npos) {
    return refuse_malformed("`:path` is not valid");
  }
  take_host();
}

// `host` becomes `:authority`, and may not be another.
void Http2Exchange::take_host() {
  Fields& fields = request_.fields;
  const auto authority = fields.find(FieldId::PseudoAuthority);
  if (authority && !is_authority(*authority) &&
      !(peer().is_unix() && is_escaped_path(*authority))) {
    return refuse_malformed("`:authority` is not valid");
  }
  const auto host = fields.find(FieldId::Host);
  if (!host) return;
  if (fields.count(FieldId::Host) > 1 || (authority && !ascii_equal(*authority, *host))) {
    return refuse_malformed("`host` and `:authority` differ");
  }
  if (!is_authority(*host)) return refuse_malformed("`host` is not valid");
  if (!authority) {
    const std::string copy(*host);
    if (!fields.insert(0, FieldId::PseudoAuthority, copy)) return refuse_large(fields);
  }
  fields.remove(FieldId::Host);
}

void Http2Exchange::refuse_malformed(std::string_view why) {
  refusal_ = Failure(Reason::RequestMalformed, std::string(why)).from(Origin::Client).take();
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
    if (received_end) {
      if (refusal_) co_return *std::exchange(refusal_, std::nullopt);
      co_return Bytes();
    }
    if (closed)
      co_return Failure(Reason::ClientGone, "the client reset the stream").from(Origin::Client);
    const Instant due = body_may_pause_ ? kNever : pace_.wait(loop.now());
    if (loop.now() >= due) co_return pace_.failure(loop.now());
    co_await TimedWait(arrived, due);
  }
  Bytes chunk = take_received();
  pace_.came(loop.now(), chunk.size());
  record_.request_bytes += chunk.size();
  co_return chunk;
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
