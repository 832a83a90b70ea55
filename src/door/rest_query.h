#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/result.h"

namespace parley::door {

// One `name=value` of a query, decoded; both texts are UTF-8.
struct QueryParameter {
  std::string_view name;
  std::string_view value;
};

// Reads the query of a request's target, pair by pair:
//
//   query = [ pair ] *( "&" [ pair ] )        pair = name [ "=" value ]
//
// `+` is a space, %XX a byte, `;` and `,` are data; empty pairs are passed over. It borrows the
// query; what must be decoded goes into the arena.
class QueryReader {
 public:
  QueryReader(std::string_view query, Arena& arena, uint32_t parameters_max)
      : left_(query), arena_(arena), parameters_max_(parameters_max) {}

  // The next pair; nullopt: there are no more. Failure: QueryInvalid, for a byte that must be
  // escaped, a bad escape, text that is not UTF-8, and more than `parameters_max` pairs.
  Result<std::optional<QueryParameter>> next();

 private:
  Result<std::string_view> decoded(std::string_view text, std::string_view raw_name) const;

  std::string_view left_;
  Arena& arena_;
  uint32_t parameters_max_;
  uint32_t count_ = 0;
};

// A parameter's name taken apart: "user.tags[]", "labels[key]". Segments are between the dots.
struct ParameterName {
  enum class Suffix : uint8_t { None, Element, Key };  // "", "[]", "[key]"
  std::string_view path;
  Suffix suffix = Suffix::None;
  std::string_view key;

  // nullopt: brackets that do not stand as a pair at the end, or nothing before them.
  static std::optional<ParameterName> parse(std::string_view name);
};

}  // namespace parley::door
