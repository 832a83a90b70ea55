#pragma once

#include <cstddef>
#include <string_view>

#include "base/fields.h"

// The small words of HTTP's grammar (RFC 9110, RFC 3986), the same in every version.
namespace parley::http {

// The length of the longest token at the start of `text` (RFC 9110, 5.6.2).
size_t token_length(std::string_view text);
inline bool is_token(std::string_view text) {
  return !text.empty() && token_length(text) == text.size();
}

// The offset of the first byte that a field value must not have: a control byte other than HTAB,
// or DEL (RFC 9110, 5.5); npos: the value is valid.
size_t find_invalid_in_value(std::string_view value);

// uri-host [":" port] (RFC 9110, 7.2): a name of letters, digits and "-._~", an IPv4 address or a
// bracketed IPv6 one, and a port of 1 to 5 digits below 65536. Narrower than RFC 3986, 3.2.2: no
// escapes and no sub-delims ("a,b" is two Host fields that somebody joined), and no user
// information.
bool is_authority(std::string_view text);

// What gRPC clients say instead over a Unix socket: the socket's path, with escapes
// ("tmp%2Fshop.sock").
bool is_escaped_path(std::string_view text);

// absolute-path ["?" query], as RFC 9112, 3.2.1 has it; and in a query every byte 0x21-0x7E but
// '#', because browsers send `[ ] { } |` as they are. The offset of the first wrong byte; npos:
// valid.
size_t find_invalid_in_target(std::string_view target);

// Fields about one connection, never to be passed on (RFC 9110, 7.6.1); `te: trailers` may be.
// Besides, `connection` may list more names: see `connection_lists`.
bool is_hop_by_hop(FieldId id);
bool connection_lists(const Fields& fields, std::string_view name);

// Whether a trailer of that name is dropped: it frames, routes, authenticates or describes the
// message, and so had to come before the body (RFC 9110, 6.5.1). `name` is lower case.
bool is_forbidden_in_trailers(const Field& field);

// Takes the next element of a comma-separated list, trimmed; false at the end. Empty elements are
// given as such.
bool next_list_element(std::string_view& list, std::string_view& element);

}  // namespace parley::http
