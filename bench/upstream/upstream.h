#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <nghttp2/nghttp2.h>

namespace parley::bench {

// What the upstream answers: gRPC frames, made once. Methods are told apart by the end of the path.
struct CannedAnswers {
  std::string user;       // any path that is not named here
  std::string user_list;  // ".../ListUsers"; ".../CreateUser" answers the request's own bytes

  // A gRPC frame (one zero byte, four bytes of length, the message) of what the file holds.
  // Aborts with a message when it cannot be read.
  static std::string frame_of_file(const char* path);
};

// One request being answered. nghttp2 keeps it as the stream's user data.
struct Stream {
  const std::string* canned = nullptr;  // null: echo
  std::string echo;                     // the request's body, where the method echoes
  size_t sent = 0;

  const std::string& answer() const { return canned != nullptr ? *canned : echo; }
};

// One accepted connection: HTTP/2 with prior knowledge, answered from the canned frames.
//
//   (on_readable | on_writable)*   until one of them returns false: then destroy it
//
// Owns the socket. Borrows the answers and the callbacks, which outlive it. Trusts its peer: there
// are no limits beyond nghttp2's own, so it is for benchmarks on the loopback only.
class Connection {
 public:
  Connection(int socket, const CannedAnswers& answers, const nghttp2_session_callbacks* callbacks);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool on_readable();
  bool on_writable();

  int socket() const { return socket_; }
  bool wants_to_write() const { return sent_ < out_.size(); }
  const CannedAnswers& answers() const { return answers_; }

  // A stream to answer with the user, and its return to the connection for reuse.
  Stream* open_stream();
  void close_stream(Stream* stream) { idle_.push_back(stream); }

 private:
  void fill();

  const int socket_;
  const CannedAnswers& answers_;
  nghttp2_session* session_ = nullptr;
  std::string out_;  // serialised frames; the first sent_ bytes have left
  size_t sent_ = 0;
  std::deque<Stream> streams_;  // all that were ever open at once
  std::vector<Stream*> idle_;   // those of them that are not open now
};

struct CallbacksDeleter {
  void operator()(nghttp2_session_callbacks* callbacks) const {
    nghttp2_session_callbacks_del(callbacks);
  }
};
using Callbacks = std::unique_ptr<nghttp2_session_callbacks, CallbacksDeleter>;

// The callbacks that answer every request of a Connection.
Callbacks make_callbacks();

}  // namespace parley::bench
