#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace parley {

enum class Plus { Data, Space };  // what '+' means: a path keeps it, a query has a space there

// Decodes %XX (RFC 3986, 2.1). nullopt when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, Plus plus = Plus::Data);

// Encodes everything but RFC 3986's unreserved characters.
std::string percent_encode(std::string_view text);

// grpc-message (gRPC over HTTP/2, "Responses"): bytes outside 0x20-0x7E and '%' are encoded; what
// does not decode is kept as it is.
std::string grpc_message_encode(std::string_view text);
std::string grpc_message_decode(std::string_view text);

}  // namespace parley
