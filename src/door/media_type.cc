#include "door/media_type.h"

#include <algorithm>
#include <cstdint>

#include "base/ascii.h"
#include "door/list_field.h"

namespace parley::door {
namespace {

constexpr uint16_t kQualityMax = 1000;

struct Parameter {
  std::string_view name;
  std::string_view value;  // without quotes, escapes as they are
};

// parameters = *( OWS ";" OWS [ token "=" ( token / quoted-string ) ] )
// Takes one off the front of `text`: false at the end, and then `text` is empty unless it is bad.
bool take_parameter(std::string_view& text, Parameter& parameter) {
  std::string_view rest = trim_ows(text);
  while (!rest.empty() && rest[0] == ';') {
    rest = trim_ows(rest.substr(1));
    if (rest.empty() || rest[0] == ';') continue;
    parameter.name = take_token(rest);
    if (parameter.name.empty() || rest.empty() || rest[0] != '=') return false;
    rest.remove_prefix(1);
    if (const size_t quoted = quoted_size(rest); quoted != 0) {
      parameter.value = rest.substr(1, quoted - 2);
      rest.remove_prefix(quoted);
    } else {
      parameter.value = take_token(rest);
      if (parameter.value.empty()) return false;
    }
    text = rest;
    return true;
  }
  text = rest;
  return false;
}

bool parameters_valid(std::string_view text) {
  Parameter parameter;
  while (take_parameter(text, parameter)) continue;
  return text.empty();
}

// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths (RFC 9110, 12.4.2)
std::optional<uint16_t> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  unsigned value = static_cast<unsigned>(text[0] - '0') * kQualityMax;
  unsigned place = 100;
  for (size_t at = 2; at < text.size(); ++at, place /= 10) {
    if (!ascii_digit(text[at])) return std::nullopt;
    value += static_cast<unsigned>(text[at] - '0') * place;
  }
  if (value > kQualityMax) return std::nullopt;
  return static_cast<uint16_t>(value);
}

// A member of Accept: how much it likes an offer, and how closely it names it.
struct Liking {
  uint16_t quality = 0;
  int closeness = -1;  // -1: says nothing about it; 0: */*, 1: type/*, 2: type/subtype
};

Liking liking_of(std::string_view member, const MediaType& offer) {
  member = trim_ows(member);
  if (member == "*" || member.starts_with("*;")) {
    const auto parameters = member.substr(1);
    if (!parameters_valid(parameters)) return {};
    const MediaType all{"*", "*", parameters};
    const auto quality = parse_quality(all.parameter("q").value_or("1"));
    return quality ? Liking{*quality, 0} : Liking{};
  }
  const auto range = MediaType::parse(member);
  if (!range) return {};
  const auto quality = parse_quality(range->parameter("q").value_or("1"));
  if (!quality) return {};
  if (range->type == "*") return range->subtype == "*" ? Liking{*quality, 0} : Liking{};
  if (!ascii_equal(range->type, offer.type)) return {};
  if (range->subtype == "*") return {*quality, 1};
  return ascii_equal(range->subtype, offer.subtype) ? Liking{*quality, 2} : Liking{};
}

// Whether a member of Accept is one at all.
bool well_formed(std::string_view member) {
  const auto range = MediaType::parse(trim_ows(member));
  if (range && range->type == "*" && range->subtype != "*") return false;
  if (range) return parse_quality(range->parameter("q").value_or("1")).has_value();
  return liking_of(member, {"*", "*", {}}).closeness >= 0;
}

template <typename Each>
void for_each_accepted(const Fields& request, Each each) {
  for (const Field field : request) {
    if (field.id == FieldId::Accept) for_each_member(field.value, each);
  }
}

uint16_t quality_of(const Fields& request, const MediaType& offer) {
  Liking best;
  for_each_accepted(request, [&](std::string_view member) {
    const Liking liking = liking_of(member, offer);
    if (liking.closeness > best.closeness ||
        (liking.closeness == best.closeness && liking.quality > best.quality))
      best = liking;
  });
  return best.quality;
}

}  // namespace

std::optional<MediaType> MediaType::parse(std::string_view text) {
  text = trim_ows(text);
  MediaType media;
  media.type = take_token(text);
  if (media.type.empty() || text.empty() || text[0] != '/') return std::nullopt;
  text.remove_prefix(1);
  media.subtype = take_token(text);
  if (media.subtype.empty() || !parameters_valid(text)) return std::nullopt;
  media.parameters = text;
  return media;
}

bool MediaType::is(std::string_view other_type, std::string_view other_subtype) const {
  return ascii_equal(type, other_type) && ascii_equal(subtype, other_subtype);
}

std::optional<std::string_view> MediaType::parameter(std::string_view name) const {
  std::string_view left = parameters;
  for (Parameter next; take_parameter(left, next);) {
    if (ascii_equal(next.name, name)) return next.value;
  }
  return std::nullopt;
}

std::optional<size_t> negotiate(const Fields& request, std::span<const std::string_view> offers) {
  const auto accept = request.find(FieldId::Accept);
  if (!accept || *accept == "*/*") return 0;
  bool any = false;
  for_each_accepted(request, [&](std::string_view member) { any |= well_formed(member); });
  if (!any) return 0;
  std::optional<size_t> best;
  uint16_t best_quality = 0;
  for (size_t i = 0; i < offers.size(); ++i) {
    const uint16_t quality = quality_of(request, *MediaType::parse(offers[i]));
    if (quality <= best_quality) continue;
    best = i;
    best_quality = quality;
  }
  return best;
}

bool content_type_valid(std::string_view text) {
  const auto visible = [](char c) { return c >= 0x20 && c < 0x7F; };
  return MediaType::parse(text).has_value() && std::all_of(text.begin(), text.end(), visible);
}

}  // namespace parley::door
