#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace parley::wire {

// The JSON forms of Timestamp, Duration and FieldMask (ProtoJSON; the comments of
// google/protobuf/timestamp.proto, duration.proto and field_mask.proto), without quotes.

struct TimeParts {
  int64_t seconds = 0;
  int32_t nanos = 0;
};

// RFC 3339 between years 1 and 9999, up to nine digits of fraction, `Z` or an offset.
bool read_timestamp(std::string_view text, TimeParts& time);

// Decimal seconds with `s` behind, up to nine digits of fraction, at most 10,000 years.
bool read_duration(std::string_view text, TimeParts& duration);

inline constexpr size_t kTimestampTextMax = 32;
inline constexpr size_t kDurationTextMax = 32;

// Whether the values are in the ranges that the types' comments give.
bool valid_timestamp(const TimeParts& time);
bool valid_duration(const TimeParts& duration);

// Write the text, with 0, 3, 6 or 9 digits of fraction; return the end. REQUIRES: valid.
char* put_timestamp(char* to, const TimeParts& time);
char* put_duration(char* to, const TimeParts& duration);

// One path of a FieldMask: `fooBar.baz` to `foo_bar.baz`, and back. False, `to` unspecified, when
// the path would not come back as it was. What comes from JSON also has to be names with dots
// between them, of visible ASCII; between backticks it may be a map's key, which is any text
// (AIP-161). Masks of upstreams are not held to that.
bool mask_path_from_json(std::string_view json_path, std::string& to);
bool mask_path_to_json(std::string_view path, std::string& to);

}  // namespace parley::wire
