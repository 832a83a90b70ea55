#include "door/rest_query.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/percent.h"
#include "base/utf8.h"

namespace parley::door {
namespace {

// What a query may hold as it stands: visible ASCII without '#', which would end it.
bool query_char(char c) { return c > 0x20 && c < 0x7F && c != '#'; }

Failure invalid(std::string_view raw_name, std::string description) {
  Failure failure(Reason::QueryInvalid,
                  fmt::format("query parameter \"{}\": {}", utf8_repaired(raw_name), description));
  failure.violation(utf8_repaired(raw_name), std::move(description));
  return failure;
}

}  // namespace

Result<std::optional<QueryParameter>> QueryReader::next() {
  while (!left_.empty()) {
    const std::string_view pair = left_.substr(0, left_.find('&'));
    left_.remove_prefix(std::min(pair.size() + 1, left_.size()));
    if (pair.empty()) continue;
    if (++count_ > parameters_max_)
      return Failure(Reason::QueryInvalid,
                     fmt::format("the query has more than {} parameters", parameters_max_))
          .with_limit("rest.query_parameters_max");
    const size_t equals = pair.find('=');
    const std::string_view raw_name = pair.substr(0, equals);
    TRY(name, decoded(raw_name, raw_name));
    if (equals == std::string_view::npos) return QueryParameter{name, {}};
    TRY(value, decoded(pair.substr(equals + 1), raw_name));
    return QueryParameter{name, value};
  }
  return std::nullopt;
}

Result<std::string_view> QueryReader::decoded(std::string_view text,
                                              std::string_view raw_name) const {
  const auto bad = std::find_if_not(text.begin(), text.end(), query_char);
  if (bad != text.end())
    return invalid(raw_name, fmt::format("byte 0x{:02X} must be percent-encoded",
                                         static_cast<unsigned char>(*bad)));
  if (text.find_first_of("%+") == std::string_view::npos) return text;
  const auto plain = percent_decode(text, Plus::Space);
  if (!plain) return invalid(raw_name, "a '%' without two hexadecimal digits");
  if (!utf8_valid(*plain)) return invalid(raw_name, "its escapes are not UTF-8");
  return arena_.copy(*plain);
}

std::optional<ParameterName> ParameterName::parse(std::string_view name) {
  const size_t open = name.find('[');
  if (open == std::string_view::npos) {
    if (name.empty() || name.find(']') != std::string_view::npos) return std::nullopt;
    return ParameterName{name, Suffix::None, {}};
  }
  if (open == 0 || name.back() != ']') return std::nullopt;
  const std::string_view key = name.substr(open + 1, name.size() - open - 2);
  return ParameterName{name.substr(0, open), key.empty() ? Suffix::Element : Suffix::Key, key};
}

}  // namespace parley::door
