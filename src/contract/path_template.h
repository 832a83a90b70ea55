#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/result.h"

namespace parley::contract {

// A path template of google.api.http, parsed:
//
//   Template = "/" Segments [ Verb ] ;        Segments = Segment { "/" Segment } ;
//   Segment  = "*" | "**" | LITERAL | Variable ;
//   Variable = "{" FieldPath [ "=" Segments ] "}" ;
//   FieldPath = IDENT { "." IDENT } ;         Verb = ":" LITERAL ;
//
// "**" stands last (but for the verb) and once; variables do not nest. Of a large contract there
// are thousands: a template owns nothing, all of it lies in the arena that it was parsed into.
struct PathTemplate {
  enum class Kind : uint8_t { Literal, Any, Rest };  // LITERAL, "*", "**"
  struct Segment {
    Kind kind = Kind::Literal;
    std::string_view literal;  // decoded
    friend bool operator==(const Segment&, const Segment&) = default;
  };
  struct Variable {
    std::string_view field_path;  // "user.user_id"
    // The segments [first, last) of the template that the variable binds; with Rest, to the path's
    // end.
    uint16_t first = 0;
    uint16_t last = 0;
    bool multi = false;  // binds more than one segment, or Rest: slashes are part of the value
    friend bool operator==(const Variable&, const Variable&) = default;
  };

  std::string_view text;  // as written
  std::span<const Segment> segments;
  std::span<const Variable> variables;
  std::string_view verb;  // without the colon; empty: none

  // Named limits: a template beyond them is refused.
  static constexpr size_t kSegmentsMax = 64;
  static constexpr size_t kVariablesMax = 32;
  static constexpr size_t kBytesMax = 4096;

  // Both outlive the template. Failure's message says what is wrong at which column (from 1) of
  // `text`.
  static Result<PathTemplate> parse(std::string_view text, Arena& arena);

  // The template with the variables' names erased: "/v1/users/*", "/v1/shops/*/items/**:sync". Two
  // templates of one verb with the same shape match the same paths.
  std::string shape() const;
};

}  // namespace parley::contract
