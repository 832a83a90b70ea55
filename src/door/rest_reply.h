#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "call/call.h"
#include "door/catalogue.h"
#include "door/rest_binding.h"
#include "wire/json_pieces.h"
#include "wire/wire_to_json.h"

namespace parley::door {

// How the answers of a route are written.
struct ReplyFormat {
  const Exposed& exposed;
  const contract::HttpRule& rule;
  wire::JsonWriteOptions json;

  // `system` outlives the format.
  ReplyFormat(const Route& route, const SystemParameters& system);
  // google.api.HttpBody: its bytes are the answer's, whatever they are.
  bool plain() const;
};

// A message as the body of an answer, or a part of it.
struct ReplyBody {
  Bytes bytes;
  std::string_view content_type;  // may be a part of the message
};

// The message outlives what is made of it. Failure: UpstreamMalformed.
Result<ReplyBody> encode_reply(const ReplyFormat& format, const Bytes& message);

// A message from this size on leaves in pieces of so many bytes of JSON: that is never held whole.
// Below it the JSON can be some times as long, with all the names and defaults that wire leaves
// out.
inline constexpr size_t kPiecewiseMin = 256 * 1024;
inline constexpr size_t kPieceBytes = 64 * 1024;

// The JSON of a message, in pieces. Both outlive them. REQUIRES: not format.plain().
std::unique_ptr<wire::JsonPieces> pieces_of(const ReplyFormat& format, const Bytes& message);

// Appends the JSON of a message and a line feed. REQUIRES: not format.plain().
Result<void> append_line(const ReplyFormat& format, const Bytes& message, ByteBuffer& out);

// Joins the parts of an upstream's messages, and opens compressed ones.
class ReplyAssembler {
 public:
  explicit ReplyAssembler(uint32_t bytes_max) : bytes_max_(bytes_max) {}

  void set_encoding(std::string_view grpc_encoding) { encoding_ = grpc_encoding; }
  // The message, when `part` was its last. Failures: UpstreamTooLarge, UpstreamMalformed.
  Result<std::optional<Bytes>> add(call::MessagePart part);

 private:
  uint32_t bytes_max_;
  std::string encoding_;
  ByteBuffer gathered_;
};

// The answer of a unary method: gathered whole before anything is sent.
class UnaryReply final : public call::Replies {
 public:
  explicit UnaryReply(uint32_t bytes_max) : assembler_(bytes_max) {}

  void metadata(Fields metadata) override;
  loop::Task<Result<void>> write(call::MessagePart part) override;

  // REQUIRES: the call has ended well.
  Result<Bytes> take_message();
  // What was wrong with the messages.
  std::optional<Failure>& failure() { return failure_; }
  const Fields& metadata() const { return metadata_; }

 private:
  ReplyAssembler assembler_;
  Fields metadata_;
  Bytes message_;
  size_t messages_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace parley::door
