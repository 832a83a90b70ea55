#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/fields.h"
#include "base/result.h"
#include "contract/model.h"
#include "loop/task.h"

namespace parley::call {

// A part of a message on its way. Who does not look inside passes parts on as they come; who does
// asks read_message() for the whole. A message of one part, the usual case, is `first` and `last`.
struct MessagePart {
  Bytes data;
  uint32_t total = 0;       // bytes of the whole message, known from its first part on
  bool compressed = false;  // gRPC's compression flag
  bool first = true;
  bool last = true;
};

// A whole message of one part.
inline MessagePart whole_message(Bytes data, bool compressed = false) {
  const auto total = static_cast<uint32_t>(data.size());
  return {std::move(data), total, compressed, true, true};
}

// The stream of messages from the client.
class Messages {
 public:
  virtual ~Messages() = default;
  // The next part; nullopt: the client has sent its last message. Not called again after a failure
  // or the end.
  virtual loop::Task<Result<std::optional<MessagePart>>> next() = 0;
  // Whether all that was read so far is kept, in at most `limit` bytes, so that `rewind` can start
  // over.
  virtual bool replayable(size_t limit) const {
    (void)limit;
    return false;
  }
  virtual void rewind() {}
};

// The stream of messages to the client.
class Replies {
 public:
  virtual ~Replies() = default;
  // The upstream's initial metadata, once, before the first message: this commits the answer's
  // status where the door's protocol has it first. Optional: a call may end without it.
  virtual void metadata(Fields metadata) = 0;
  // Resolves when little enough waits for the client. Fails when the client is gone.
  virtual loop::Task<Result<void>> write(MessagePart part) = 0;
};

// How a call ended: OK, or a failure; with the trailing metadata in both cases.
struct Outcome {
  std::optional<Failure> failure;
  Fields trailers;

  Outcome() = default;
  Outcome(Failure&& why) : failure(std::move(why)) {}
  Outcome(Failure& why) : failure(std::move(why)) {}
  bool ok() const { return !failure.has_value(); }
  Code code() const { return failure ? failure->code() : Code::Ok; }
};

// Who calls, as far as it is proven.
struct Identity {
  // Empty: anonymous. By certificate: its SPIFFE id, else its subject.
  std::string subject;
};

// Where the call came from. Views are of the connection, which outlives the call.
struct Peer {
  std::string address;  // the client's, as far as those between are trusted
  bool tls = false;
  // Of the certificate that the client has shown and that was verified; empty without one.
  std::string_view tls_subject;            // "CN=alice,O=Example"
  std::span<const std::string> tls_names;  // "DNS:alice.test", "URI:spiffe://shop.test/alice"
  std::string_view tls_hash;               // SHA-256, in hex
  std::string_view spiffe_id;              // "spiffe://shop.test/alice", where it has exactly one
};

// What policies and upstreams note for the log.
struct Notes {
  std::string endpoint;
  uint32_t attempts = 0;
};

// One call of one method, whichever protocol the client speaks. Made by a door, alive until the
// door has the outcome.
struct Call {
  const contract::Method* method = nullptr;
  Fields metadata;  // from the client, checked and filtered by the door: all of it may go to the
                    // upstream
  Messages* requests = nullptr;
  Instant deadline = kNever;
  Identity identity;
  Peer peer;
  std::string_view request_id;
  std::string_view protocol;  // "rest", "grpc": a literal
  // The client's grpc-encoding, when messages pass through still compressed; else empty.
  std::string_view encoding;
  std::string_view accept_encoding;
  Notes notes;
  Arena arena;
};

// Serves calls: an upstream cluster, a built-in service, or a policy around one.
class CallService {
 public:
  virtual ~CallService() = default;
  // The task's life is the call's: destroying it cancels the call, down to the upstream's stream.
  // `call` and `replies` outlive the task.
  virtual loop::Task<Outcome> serve(Call& call, Replies& replies) = 0;
};

// The next whole message, contiguous; nullopt at the end. A message over `bytes_max` fails with
// BodyTooLarge and the limit's name.
loop::Task<Result<std::optional<MessagePart>>> read_message(Messages& messages, size_t bytes_max);

}  // namespace parley::call
