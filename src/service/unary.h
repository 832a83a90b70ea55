#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "call/call.h"

namespace parley::service {

// The largest message that built-in services take: they ask for names, not for data.
inline constexpr size_t kRequestBytesMax = 64 * 1024;

// The next message of a client, whole and decompressed as `call.encoding` says; nullopt: the end.
loop::Task<Result<std::optional<Bytes>>> read_next(call::Call& call);

// The only message of a unary (or server-streaming) call. None, or a second one, is a failure.
loop::Task<Result<Bytes>> read_only(call::Call& call);

// Sends the only message of an answer, and ends the call.
loop::Task<call::Outcome> reply(call::Replies& replies, Bytes message);

// For a method of the contract that the service does not know.
Failure not_served(const call::Call& call);

}  // namespace parley::service
