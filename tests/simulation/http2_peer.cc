#include "simulation/http2_peer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace parley::simulation {
namespace {

std::vector<nghttp2_nv> to_list(const Fields& fields) {
  std::vector<nghttp2_nv> list;
  for (const Field field : fields) {
    list.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(field.name.data())),
                    reinterpret_cast<uint8_t*>(const_cast<char*>(field.value.data())),
                    field.name.size(), field.value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return list;
}

std::string_view text(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

// They only record: coroutines resume after nghttp2 has returned.
struct Http2Peer::Callbacks {
  static Http2Peer& peer(void* user) { return *static_cast<Http2Peer*>(user); }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Peer& self = peer(user);
    if (self.side_ == Side::Server && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      self.add(frame->hd.stream_id);
    return 0;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                       void* user) {
    Http2Stream* stream = peer(user).find(frame->hd.stream_id);
    if (!stream) return 0;
    Fields& to = stream->head_complete ? stream->trailers : stream->head;
    to.add(text(name, name_size), text(value, value_size));
    return 0;
  }
  static int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* bytes,
                     size_t size, void* user) {
    nghttp2_session_consume_connection(session, size);
    Http2Stream* stream = peer(user).find(id);
    if (!stream) {
      nghttp2_session_consume_stream(session, id, size);
      return 0;
    }
    stream->received += text(bytes, size);
    peer(user).news_.push_back(stream);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Peer& self = peer(user);
    if (frame->hd.type == NGHTTP2_SETTINGS) self.greeted_ = true;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      self.going_away_ = true;
      self.last_stream_served_ = frame->goaway.last_stream_id;
      if (frame->goaway.error_code != NGHTTP2_NO_ERROR)
        self.blame(fmt::format("GOAWAY {}: {}", frame->goaway.error_code,
                               text(frame->goaway.opaque_data, frame->goaway.opaque_data_len)));
    }
    Http2Stream* stream = self.find(frame->hd.stream_id);
    if (!stream) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS) on_head(self, *stream);
    if (frame->hd.type == NGHTTP2_RST_STREAM) stream->was_reset = true;
    const bool message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (message && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) stream->ended = true;
    self.news_.push_back(stream);
    return 0;
  }
  static void on_head(Http2Peer& self, Http2Stream& stream) {
    if (std::exchange(stream.head_complete, true)) return;
    if (self.side_ == Side::Server) self.requests_.push_back(&stream);
  }
  static int on_close(nghttp2_session*, int32_t id, uint32_t code, void* user) {
    Http2Stream* stream = peer(user).find(id);
    if (!stream || stream->closed) return 0;
    stream->close();
    stream->close_code = code;
    --peer(user).streams_open_;
    peer(user).news_.push_back(stream);
    return 0;
  }
  static int on_invalid(nghttp2_session*, const nghttp2_frame* frame, int code, void* user) {
    peer(user).blame(fmt::format("a frame of type {} on stream {}: {}", frame->hd.type,
                                 frame->hd.stream_id, nghttp2_strerror(code)));
    return 0;
  }
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name,
                               size_t name_size, const uint8_t*, size_t, uint8_t, void* user) {
    peer(user).blame(fmt::format("the header field {}", text(name, name_size)));
    return 0;
  }
  static ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t* to, size_t room,
                           uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    const size_t size = std::min(room, stream.sending_.size());
    std::memcpy(to, stream.sending_.data(), size);
    stream.sending_.erase(0, size);
    if (!stream.sending_.empty()) return static_cast<ssize_t>(size);
    if (stream.sending_end_) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (stream.has_trailers_) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto list = to_list(stream.sending_trailers_);
        nghttp2_submit_trailer(session, id, list.data(), list.size());
      }
      return static_cast<ssize_t>(size);
    }
    return size > 0 ? static_cast<ssize_t>(size) : NGHTTP2_ERR_DEFERRED;
  }
};

Http2Peer::Http2Peer(Side side, std::unique_ptr<net::ByteStream> stream, const Options& options)
    : side_(side), stream_(std::move(stream)), changed_(stream_->loop()) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, Callbacks::on_invalid);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, Callbacks::on_invalid_header);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  if (side == Side::Client) {
    nghttp2_session_client_new2(&session_, callbacks, this, option);
  } else {
    nghttp2_session_server_new2(&session_, callbacks, this, option);
  }
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.streams_max},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.window_bytes}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, std::size(entries));
}

Http2Peer::~Http2Peer() { nghttp2_session_del(session_); }

loop::Task<void> Http2Peer::run() {
  flush();
  for (;;) {
    const Result<Bytes> chunk = co_await stream_->read();
    if (!chunk || chunk->empty()) break;
    const ssize_t taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const uint8_t*>(chunk->data()), chunk->size());
    if (taken < 0) blame(fmt::format("{}", nghttp2_strerror(static_cast<int>(taken))));
    flush();
    if (taken < 0 || (!nghttp2_session_want_read(session_) && streams_open_ == 0)) break;
  }
  stream_->shutdown();
  end_streams();
}

void Http2Peer::end_streams() {
  ended_ = true;
  for (const auto& [id, stream] : streams_) {
    if (!stream->closed) {
      --streams_open_;
      stream->close();
    }
    stream->changed.notify();
  }
  changed_.notify();
}

void Http2Peer::abort() {
  stream_->abort();
  end_streams();
}

void Http2Peer::deliver() {
  for (Http2Stream* stream : std::exchange(requests_, {})) on_request(*stream);
  for (Http2Stream* stream : std::exchange(news_, {})) stream->changed.notify();
  changed_.notify();
}

void Http2Peer::flush() {
  for (;;) {
    const uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    stream_->write_copy(text(bytes, static_cast<size_t>(size)));
  }
  deliver();
}

Http2Stream& Http2Peer::add(int32_t id) {
  ++streams_open_;
  return *streams_.emplace(id, std::make_unique<Http2Stream>(stream_->loop(), id)).first->second;
}

Http2Stream* Http2Peer::find(int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

void Http2Peer::blame(std::string what) {
  if (violation_.empty()) violation_ = std::move(what);
}

bool Http2Peer::usable() const {
  if (ended_ || going_away_ || !greeted_) return false;
  return streams_open_ < nghttp2_session_get_remote_settings(
                             session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) &&
         nghttp2_session_check_request_allowed(session_) != 0;
}

Http2Stream* Http2Peer::request(const Fields& head, bool ends) {
  const int32_t id = static_cast<int32_t>(nghttp2_session_get_next_stream_id(session_));
  Http2Stream& stream = add(id);
  nghttp2_data_provider body{{.ptr = &stream}, Callbacks::read_body};
  const auto list = to_list(head);
  const int32_t given = nghttp2_submit_request(session_, nullptr, list.data(), list.size(),
                                               ends ? nullptr : &body, nullptr);
  if (given < 0) {
    streams_.erase(id);
    --streams_open_;
    return nullptr;
  }
  flush();
  return &stream;
}

void Http2Peer::inform(Http2Stream& stream, uint16_t status) {
  if (stream.closed) return;
  Fields head;
  head.add(":status", fmt::to_string(status));
  const auto list = to_list(head);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, list.data(), list.size(),
                         nullptr);
  flush();
}

void Http2Peer::respond(Http2Stream& stream, const Fields& head, bool ends) {
  if (stream.closed) return;
  nghttp2_data_provider body{{.ptr = &stream}, Callbacks::read_body};
  const auto list = to_list(head);
  nghttp2_submit_response(session_, stream.id, list.data(), list.size(), ends ? nullptr : &body);
  flush();
}

void Http2Peer::send(Http2Stream& stream, std::string_view bytes) {
  if (stream.closed) return;
  stream.sending_ += bytes;
  nghttp2_session_resume_data(session_, stream.id);
  flush();
}

void Http2Peer::end(Http2Stream& stream) {
  if (stream.closed) return;
  stream.sending_end_ = true;
  nghttp2_session_resume_data(session_, stream.id);
  flush();
}

void Http2Peer::end(Http2Stream& stream, const Fields& trailers) {
  stream.sending_trailers_ = trailers;
  stream.has_trailers_ = true;
  end(stream);
}

std::string Http2Peer::take(Http2Stream& stream) {
  std::string bytes = std::exchange(stream.received, {});
  if (!ended_ && !bytes.empty()) {
    nghttp2_session_consume_stream(session_, stream.id, bytes.size());
    flush();
  }
  return bytes;
}

void Http2Peer::reset(Http2Stream& stream, uint32_t code) {
  if (stream.closed) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, code);
  flush();
}

void Http2Peer::go_away(int32_t last_stream, uint32_t code) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_stream, code, nullptr, 0);
  flush();
}

}  // namespace parley::simulation
