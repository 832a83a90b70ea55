#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/fields.h"

namespace parley::door {

// A media type as Content-Type has it (RFC 9110, 8.3.1); it borrows the text.
struct MediaType {
  std::string_view type;
  std::string_view subtype;
  std::string_view parameters;  // ";charset=utf-8", checked

  // nullopt: not one.
  static std::optional<MediaType> parse(std::string_view text);

  bool is(std::string_view other_type, std::string_view other_subtype) const;
  // The value of a parameter, without quotes.
  std::optional<std::string_view> parameter(std::string_view name) const;
};

// Which of `offers` ("application/json") the Accept fields like best; the first of equals. nullopt:
// none is acceptable. Malformed members are passed over; `*` is `*/*` (RFC 9110, 12.5.1).
std::optional<size_t> negotiate(const Fields& request, std::span<const std::string_view> offers);

// Whether `text` can stand as a Content-Type in an answer.
bool content_type_valid(std::string_view text);

}  // namespace parley::door
