#pragma once

#include <memory>
#include <optional>

#include "net/byte_stream.h"

namespace parley::net {

// The stream as if `first` had not been read from it yet. `peer`: whom it is from; nullopt: its own
// peer.
std::unique_ptr<ByteStream> put_back(std::unique_ptr<ByteStream> stream, Bytes first,
                                     const std::optional<Address>& peer = std::nullopt);

}  // namespace parley::net
