#include "http/http2_core.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/assert.h"
#include "base/pool.h"

namespace parley::http {
namespace {

// Bytes that wait in the stream before nghttp2 is asked for more. Small, so that what
// a stream sends late is not far behind what others sent early.
constexpr size_t kOutputMax = 256 * 1024;
// Of one SETTINGS frame: as many as nghttp2 allows by itself. RFC 9113 and its extensions have ten.
constexpr uint32_t kSettingsEntriesMax = 32;
constexpr uint32_t kSettingsEntryBytes = 6;  // RFC 9113, 6.5.1
// Payloads from this size on are passed on as they are; smaller ones are copied next to their frame
// header.
constexpr size_t kShareFrom = 4096;
// The same for what was received, as a part of a chunk of up to 64 KiB that lasts as long as it: so
// at most four times what a window allows.
constexpr size_t kShareReceivedFrom = 16 * 1024;
// A DATA frame that was cut short by the peer's window earns it nothing below this size.
constexpr size_t kEarningFrom = 1024;

Http2Stream* stream_of(nghttp2_session* session, int32_t id) {
  return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

uint8_t* unsafe(std::string_view text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));  // nghttp2 only reads
}

// Whether a DATA frame is without content and does not end its stream.
bool says_nothing(size_t length, uint8_t flags) {
  return length == 0 && !(flags & NGHTTP2_FLAG_END_STREAM);
}

// Fields whose values hardly ever come again: in HPACK's table they would only push out others.
// A literal without indexing would do; nghttp2 knows "never indexed" alone.
bool is_unrepeated(FieldId id) {
  switch (id) {
    case FieldId::GrpcMessage:
    case FieldId::GrpcStatusDetailsBin:
    case FieldId::GrpcTimeout:
    case FieldId::Traceparent:
    case FieldId::XRequestId: return true;
    default: return false;
  }
}

}  // namespace

// The C face of nghttp2.
struct Http2Core::Callbacks {
  static Http2Core& core(void* user) { return *static_cast<Http2Core*>(user); }

  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Http2Stream* stream = core(user).on_stream_begin(frame->hd.stream_id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    return 0;
  }

  static int begin_frame(nghttp2_session* session, const nghttp2_frame_hd* head, void* user) {
    if (head->type == NGHTTP2_HEADERS && !stream_of(session, head->stream_id))
      core(user).on_headers_without_stream(head->stream_id);
    return 0;
  }

  static int header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                    void* user) {
    if (Http2Stream* stream = stream_of(session, frame->hd.stream_id)) {
      stream->on_field({reinterpret_cast<const char*>(name), name_size},
                       {reinterpret_cast<const char*>(value), value_size},
                       (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
    }
    // The rest of a bomb is not unpacked: receive() ends the connection.
    return core(user).flood_.tripped() ? NGHTTP2_ERR_PAUSE : 0;
  }

  // A name or value with bytes that it must not have (RFC 9113, 8.2.1) makes the request malformed;
  // nghttp2 by itself would leave the field out.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t,
                            const uint8_t*, size_t, uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Stream* stream =
        frame->hd.stream_id != 0 ? stream_of(session, frame->hd.stream_id) : nullptr;
    if (stream && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)) {
      if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        stream->received_end = true;
        stream->left.notify();
      }
      if (frame->hd.type == NGHTTP2_HEADERS) stream->on_head_complete();
      stream->arrived.notify();
    }
    if (frame->hd.type == NGHTTP2_DATA) {
      note_data(core(user).flood_, frame->data);
      core(user).note_read(frame->hd);
    }
    core(user).on_frame(*frame);
    return 0;
  }

  static void note_data(Http2FloodMeter& flood, const nghttp2_data& frame) {
    if (frame.hd.length > frame.padlen) {
      flood.data();
    } else if (frame.padlen > 0 && !(frame.hd.flags & NGHTTP2_FLAG_END_STREAM)) {
      flood.overhead();  // nothing but padding
    }
  }

  static int data_chunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                        size_t size, void* user) {
    Http2Core& self = core(user);
    nghttp2_session_consume_connection(session, size);
    Http2Stream* stream = stream_of(session, id);
    if (!stream) {
      nghttp2_session_consume_stream(session, id, size);
      return 0;
    }
    const auto* text = reinterpret_cast<const char*>(data);
    if (size >= kShareReceivedFrom) {
      stream->received.push(
          self.receiving_->slice(static_cast<size_t>(text - self.receiving_->data()), size));
    } else {
      stream->received.push(Bytes::copy({text, size}));
    }
    stream->arrived.notify();
    return 0;
  }

  static int stream_closed(nghttp2_session* session, int32_t id, uint32_t code, void*) {
    if (Http2Stream* stream = stream_of(session, id)) {
      stream->closed = true;
      stream->close_code = code;
      stream->arrived.notify();
      stream->left.notify();
      stream->on_closed();
    }
    return 0;
  }

  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Http2Stream* stream = stream_of(session, frame->hd.stream_id);
    if (!stream) return 0;
    stream->head_sent = true;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
      stream->end_sent = true;
      if (!stream->received_end) stream->arrived.notify();
    }
    return 0;
  }

  static ssize_t data_source(nghttp2_session* session, int32_t id, uint8_t*, size_t room,
                             uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    const size_t size = std::min(room, stream.sending.size());
    if (size == 0 && !stream.sending_end) {
      stream.deferred_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (size == stream.sending.size() && stream.sending_end) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.sending_trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto trailers = to_nghttp2(stream.sending_trailers);
        nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
      }
    }
    return static_cast<ssize_t>(size);
  }

  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size,
                       nghttp2_data_source* source, void* user) {
    Http2Core& self = core(user);
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    const size_t before = stream.sending.size();
    stream.moved_ += size;
    if (size >= kEarningFrom || (size > 0 && size == before)) self.flood_.data();
    self.write_copy({reinterpret_cast<const char*>(head), Http2FrameWalk::kHeaderBytes});
    while (size > 0) {
      Bytes part = stream.sending.pop_up_to(size);
      size -= part.size();
      if (part.size() < kShareFrom) {
        self.write_copy(part.view());
      } else {
        self.write(std::move(part));
      }
    }
    const size_t mark = self.write_buffer_bytes_;
    if (before >= mark && stream.sending.size() < mark) stream.left.notify();
    return 0;
  }

  // nghttp2's memory comes from the pool; the size of a block stands before it.
  static constexpr size_t kBefore = alignof(std::max_align_t);
  static void* allocate(size_t size, void*) {
    auto* const block = static_cast<char*>(pool_allocate(kBefore + size));
    std::memcpy(block, &size, sizeof size);
    return block + kBefore;
  }
  static size_t size_of(const char* block) {
    size_t size = 0;
    std::memcpy(&size, block, sizeof size);
    return size;
  }
  static void free(void* memory, void*) {
    if (memory == nullptr) return;
    char* const block = static_cast<char*>(memory) - kBefore;
    pool_free(block, kBefore + size_of(block));
  }
  static void* allocate_zeroed(size_t count, size_t size, void* user) {
    return std::memset(allocate(count * size, user), 0, count * size);
  }
  static void* reallocate(void* memory, size_t size, void* user) {
    if (memory == nullptr) return allocate(size, user);
    char* const block = static_cast<char*>(memory) - kBefore;
    auto* const moved =
        static_cast<char*>(pool_reallocate(block, kBefore + size_of(block), kBefore + size));
    std::memcpy(moved, &size, sizeof size);
    return moved + kBefore;
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* all = nullptr;
    PARLEY_ASSERT(nghttp2_session_callbacks_new(&all) == 0);
    nghttp2_session_callbacks_set_on_begin_frame_callback(all, begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(all, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(all, header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(all, invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(all, stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(all, frame_sent);
    nghttp2_session_callbacks_set_send_data_callback(all, send_data);
    return all;
  }

  static nghttp2_option* make_option(Side side, const Http2Limits& limits) {
    nghttp2_option* option = nullptr;
    PARLEY_ASSERT(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, limits.control_frames_queued_max);
    nghttp2_option_set_max_continuations(option, limits.continuation_frames_max);
    nghttp2_option_set_max_settings(option, SIZE_MAX);  // ours comes first, and has a name
    nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);  // ours is nearer
    if (side == Side::Client) nghttp2_option_set_peer_max_concurrent_streams(option, 100);
    return option;
  }
};

Http2Stream::Http2Stream(Http2Core& core, int32_t id)
    : arrived(core.loop()), left(core.loop()), core_(core), id_(id) {}

Bytes Http2Stream::take_received() {
  Bytes chunk = received.pop();
  if (!closed) {
    nghttp2_session_consume_stream(core_.session(), id_, chunk.size());
    core_.wants_flush();
  }
  return chunk;
}

void Http2Stream::send(Bytes bytes, bool last) {
  if (closed) return;
  sending.push(std::move(bytes));
  sending_end = sending_end || last;
  resume();
}

void Http2Stream::send_end(Fields trailers) {
  if (closed) return;
  sending_trailers = std::move(trailers);
  sending_end = true;
  resume();
}

void Http2Stream::resume() {
  if (deferred_) {
    deferred_ = false;
    nghttp2_session_resume_data(core_.session(), id_);
  }
  core_.wants_flush();
}

Http2Core::Http2Core(Side side, std::unique_ptr<net::ByteStream> stream, const Http2Limits& limits)
    : stream_(std::move(stream)),
      write_buffer_bytes_(limits.write_buffer_bytes),
      flood_(limits),
      walk_(side == Side::Server ? NGHTTP2_CLIENT_MAGIC_LEN : 0) {
  nghttp2_session* session = nullptr;
  nghttp2_session_callbacks* callbacks = Callbacks::make();
  nghttp2_option* option = Callbacks::make_option(side, limits);
  nghttp2_mem memory = {nullptr, Callbacks::allocate, Callbacks::free, Callbacks::allocate_zeroed,
                        Callbacks::reallocate};
  const auto make =
      side == Side::Server ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
  PARLEY_ASSERT(make(&session, callbacks, this, option, &memory) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  session_.reset(session);
}

Http2Core::~Http2Core() = default;

nghttp2_data_provider Http2Core::body_of(Http2Stream& stream) {
  nghttp2_data_provider provider{};
  provider.source.ptr = &stream;
  provider.read_callback = Callbacks::data_source;
  return provider;
}

Result<void> Http2Core::receive(const Bytes& chunk) {
  flood_.go_on(loop().now());
  walk_.feed(chunk.view(), [this](const Http2FrameWalk::Head& head) { count(head); });
  watch_header();
  receiving_ = &chunk;
  const ssize_t used = nghttp2_session_mem_recv(
      session(), reinterpret_cast<const uint8_t*>(chunk.data()), chunk.size());
  receiving_ = nullptr;
  if (used == static_cast<ssize_t>(chunk.size())) count_ignored_data();
  if (used == NGHTTP2_ERR_FLOODED)
    flood_.trip("control_frames_queued_max", "too many answers wait to be read");
  if (used == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS)
    flood_.trip("continuation_frames_max", "a header in too many frames");
  after_events();
  wants_flush();
  if (auto failure = flood_.passed()) {
    say_goodbye(NGHTTP2_ENHANCE_YOUR_CALM, failure->message());
    return *std::move(failure);
  }
  if (!violation_.empty()) {
    say_goodbye(violation_code_, violation_);
    return Failure(Reason::RequestMalformed, std::string(violation_));
  }
  if (used >= 0) return {};
  return Failure(Reason::RequestMalformed,
                 std::string("HTTP/2: ") + nghttp2_strerror(static_cast<int>(used)));
}

void Http2Core::watch_header() {
  if (!walk_.in_header()) {
    header_since_ = kNever;
  } else if (header_since_ == kNever || walk_.begun() != header_) {
    header_since_ = loop().now();
    header_ = walk_.begun();
  }
}

void Http2Core::note_read(const nghttp2_frame_hd& head) {
  if (says_nothing(head.length, head.flags)) return;
  --unread_frames_;
  unread_bytes_ -= Http2FrameWalk::kHeaderBytes + head.length;
}

// nghttp2 says nothing of DATA on streams that are closed: what it did not hand on was such.
void Http2Core::count_ignored_data() {
  const size_t partial = walk_.partial_data();  // may be handed on
  const uint64_t frames = unread_frames_ - (partial > 0 ? 1 : 0);
  if (frames > 0) on_ignored_data(frames, unread_bytes_ - partial);
  unread_frames_ -= frames;
  unread_bytes_ = partial;
}

// Counts what carries nothing of a message. nghttp2 leaves PRIORITY alone, since nobody goes by it;
// what would be an error still is (RFC 7540, 5.3.1; RFC 9113, 6.3).
void Http2Core::count(const Http2FrameWalk::Head& head) {
  on_frame_head(head);
  if (head.type == NGHTTP2_HEADERS || head.type == NGHTTP2_CONTINUATION) return;
  if (head.type != NGHTTP2_DATA || says_nothing(head.length, head.flags)) {
    flood_.overhead();
  } else {
    ++unread_frames_;
    unread_bytes_ += Http2FrameWalk::kHeaderBytes + head.length;
  }
  if (head.type == NGHTTP2_SETTINGS && head.length > kSettingsEntriesMax * kSettingsEntryBytes)
    flood_.trip("fixed.settings_entries_max", "a SETTINGS frame with more than 32 entries");
  // Not even before the peer has seen our SETTINGS.
  if (head.type == NGHTTP2_PUSH_PROMISE) violated(NGHTTP2_PROTOCOL_ERROR, "a pushed stream");
  if (head.type != NGHTTP2_PRIORITY) return;
  if (head.stream == 0) violated(NGHTTP2_PROTOCOL_ERROR, "PRIORITY on stream 0");
  if (head.payload.empty()) return;
  uint32_t dependency = 0;
  for (size_t i = 0; i < 4; ++i)
    dependency = dependency << 8 | static_cast<uint8_t>(head.payload[i]);
  if (static_cast<int32_t>(dependency & 0x7fffffff) == head.stream)
    violated(NGHTTP2_PROTOCOL_ERROR, "a stream that depends on itself");
}

// nghttp2 is not asked to read after that.
void Http2Core::say_goodbye(uint32_t code, std::string_view why) {
  nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session()), code,
                        reinterpret_cast<const uint8_t*>(why.data()), why.size());
  wants_flush();
}

// REQUIRES: SETTINGS have been submitted, with MAX_CONCURRENT_STREAMS as the first entry.
void Http2Core::write_first_settings(uint32_t streams_max) {
  constexpr size_t kValueAt = Http2FrameWalk::kHeaderBytes + 2;  // an identifier is before it
  const uint8_t* data = nullptr;
  const ssize_t size = nghttp2_session_mem_send(session(), &data);
  PARLEY_ASSERT(size >= static_cast<ssize_t>(kValueAt + 4) && data[3] == NGHTTP2_SETTINGS);
  std::string settings(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  for (size_t i = 0; i < 4; ++i)
    settings[kValueAt + i] = static_cast<char>(streams_max >> (24 - 8 * i) & 0xff);
  write_copy(settings);
}

void Http2Core::flush() {
  gather_output();
  after_events();
}

loop::Task<void> Http2Core::flush_when_writable() {
  for (;;) {
    co_await stream_->writable().wait();
    if (held_back_) wants_flush();
  }
}

void Http2Core::write(Bytes bytes) {
  written_ += bytes.size();
  stream_->write(std::move(bytes));
}

void Http2Core::write_copy(std::string_view bytes) {
  written_ += bytes.size();
  stream_->write_copy(bytes);
}

void Http2Core::gather_output() {
  held_back_ = false;
  for (;;) {
    if (stream_->unsent() >= kOutputMax) {
      held_back_ = true;
      return;
    }
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session(), &data);
    if (size <= 0) return;
    write_copy({reinterpret_cast<const char*>(data), static_cast<size_t>(size)});
  }
}

void append_nghttp2(const Fields& fields, std::vector<nghttp2_nv>& to) {
  for (const Field field : fields) {
    const bool indexed = !field.never_index && !is_unrepeated(field.id);
    const int flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE |
                      (indexed ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX);
    to.push_back({unsafe(field.name), unsafe(field.value), field.name.size(), field.value.size(),
                  static_cast<uint8_t>(flags)});
  }
}

std::vector<nghttp2_nv> to_nghttp2(const Fields& fields) {
  std::vector<nghttp2_nv> list;
  list.reserve(fields.size());
  append_nghttp2(fields, list);
  return list;
}

}  // namespace parley::http
