#include "upstream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace parley::bench {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
constexpr size_t kOutBytes = 256 * 1024;  // serialise no further ahead of the socket than this
constexpr uint32_t kStreamWindow = 1 << 20;
constexpr int32_t kConnectionWindow = 1 << 24;
constexpr uint32_t kStreamsMax = 4096;

Stream* stream_of(nghttp2_session* session, int32_t id) {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  // nghttp2 takes mutable pointers and, with these flags, neither writes through nor copies them.
  auto* name_bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(name.data()));
  auto* value_bytes = reinterpret_cast<uint8_t*>(const_cast<char*>(value.data()));
  return {name_bytes, value_bytes, name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

ssize_t read_answer(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t room,
                    uint32_t* flags, nghttp2_data_source* source, void*) {
  auto* stream = static_cast<Stream*>(source->ptr);
  const std::string& answer = stream->answer();
  const size_t count = std::min(room, answer.size() - stream->sent);
  std::memcpy(buffer, answer.data() + stream->sent, count);
  stream->sent += count;
  if (stream->sent == answer.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const std::array trailers{field("grpc-status", "0")};
    nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
  }
  return static_cast<ssize_t>(count);
}

int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  Stream* stream = static_cast<Connection*>(user_data)->open_stream();
  nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
  return 0;
}

int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
              size_t name_size, const uint8_t* value, size_t value_size, uint8_t, void* user_data) {
  constexpr std::string_view kPath = ":path";
  if (name_size != kPath.size() || std::memcmp(name, kPath.data(), name_size) != 0) return 0;
  Stream* stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr) return 0;
  const std::string_view path(reinterpret_cast<const char*>(value), value_size);
  if (path.ends_with("/ListUsers")) {
    stream->canned = &static_cast<Connection*>(user_data)->answers().user_list;
  } else if (path.ends_with("/CreateUser")) {
    stream->canned = nullptr;
  }
  return 0;
}

int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size,
            void*) {
  Stream* stream = stream_of(session, id);
  if (stream != nullptr && stream->canned == nullptr) {
    stream->echo.append(reinterpret_cast<const char*>(data), size);
  }
  return 0;
}

int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void*) {
  const bool carries_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
  if (!carries_end || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  Stream* stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr) return 0;
  const std::array headers{field(":status", "200"), field("content-type", "application/grpc")};
  nghttp2_data_provider body{};
  body.source.ptr = stream;
  body.read_callback = read_answer;
  nghttp2_submit_response(session, frame->hd.stream_id, headers.data(), headers.size(), &body);
  return 0;
}

int on_stream_close(nghttp2_session* session, int32_t id, uint32_t, void* user_data) {
  Stream* stream = stream_of(session, id);
  if (stream != nullptr) static_cast<Connection*>(user_data)->close_stream(stream);
  return 0;
}

}  // namespace

std::string CannedAnswers::frame_of_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) {
    std::fprintf(stderr, "bench_upstream: cannot read %s\n", path);
    std::exit(1);
  }
  const std::string message = content.str();
  const uint32_t length = htonl(static_cast<uint32_t>(message.size()));
  std::string frame(1, '\0');
  frame.append(reinterpret_cast<const char*>(&length), sizeof length);
  return frame + message;
}

Connection::Connection(int socket, const CannedAnswers& answers,
                       const nghttp2_session_callbacks* callbacks)
    : socket_(socket), answers_(answers) {
  nghttp2_session_server_new(&session_, callbacks, this);
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
       {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamsMax}}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

Connection::~Connection() {
  nghttp2_session_del(session_);
  close(socket_);
}

bool Connection::on_readable() {
  static std::array<uint8_t, kReadBytes> buffer;  // one thread, and nothing stays in it
  const ssize_t got = read(socket_, buffer.data(), buffer.size());
  if (got == 0) return false;
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (nghttp2_session_mem_recv(session_, buffer.data(), static_cast<size_t>(got)) < 0) return false;
  return on_writable();
}

bool Connection::on_writable() {
  for (;;) {
    fill();
    if (!wants_to_write()) break;
    const ssize_t sent =
        send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<size_t>(sent);
    if (wants_to_write()) continue;
    out_.clear();
    sent_ = 0;
  }
  return nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0;
}

Stream* Connection::open_stream() {
  if (idle_.empty()) idle_.push_back(&streams_.emplace_back());
  Stream* stream = idle_.back();
  idle_.pop_back();
  stream->canned = &answers_.user;
  stream->echo.clear();
  stream->sent = 0;
  return stream;
}

void Connection::fill() {
  if (sent_ >= kOutBytes) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
  while (out_.size() - sent_ < kOutBytes) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size <= 0) return;
    out_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  }
}

Callbacks make_callbacks() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
  return Callbacks(callbacks);
}

}  // namespace parley::bench
