#include "http/syntax.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include <arpa/inet.h>

#include "base/ascii.h"

namespace parley::http {
namespace {

enum Class : uint8_t {
  kToken = 1,
  kPath = 2,   // pchar without "%", and "/"
  kQuery = 4,  // 0x21-0x7E without "#" and "%"
  kHost = 8,   // of names: unreserved
};

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  const auto add = [&](std::string_view characters, int what) {
    for (const char c : characters) {
      uint8_t& entry = classes[static_cast<unsigned char>(c)];
      entry = static_cast<uint8_t>(entry | what);
    }
  };
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", kToken | kPath | kHost);
  add("!#$%&'*+-.^_`|~", kToken);
  add("-._~", kPath | kHost);
  add("!$&'()*+,;=:@/", kPath);
  for (unsigned c = 0x21; c <= 0x7E; ++c) {
    if (c != '#' && c != '%') classes[c] = static_cast<uint8_t>(classes[c] | kQuery);
  }
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = make_classes();

bool is(char c, Class what) { return (kClasses[static_cast<unsigned char>(c)] & what) != 0; }

bool is_escape(std::string_view text, size_t at) {
  return text[at] == '%' && text.size() - at > 2 && hex_digit(text[at + 1]) >= 0 &&
         hex_digit(text[at + 2]) >= 0;
}

// The first byte from `at` on that neither belongs into a path nor into an escape.
size_t find_not_path(std::string_view text, size_t at) {
  while (at < text.size()) {
    if (is(text[at], kPath)) {
      ++at;
    } else if (is_escape(text, at)) {
      at += 3;
    } else {
      return at;
    }
  }
  return std::string_view::npos;
}

// Eight bytes at once: a set high bit for every byte below 0x20 or equal to 0x7F. Bytes above the
// first one that is marked may be marked too much.
constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighs = 0x8080808080808080;
constexpr uint64_t control_bytes(uint64_t word) {
  const uint64_t below = (word - kOnes * 0x20) & ~word;
  const uint64_t del = word ^ (kOnes * 0x7F);
  return (below | ((del - kOnes) & ~del)) & kHighs;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  for (const char c : text) {
    if (!ascii_digit(c)) return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return !text.empty() && text.size() <= 5 && port <= 0xFFFF;
}

// What stands between the brackets of an IPv6 address.
bool is_ipv6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return false;
  std::copy(text.begin(), text.end(), copy.begin());
  in6_addr address;
  return inet_pton(AF_INET6, copy.data(), &address) == 1;
}

bool is_one_of(std::string_view name, const auto& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

size_t token_length(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && is(text[length], kToken)) ++length;
  return length;
}

size_t find_invalid_in_value(std::string_view value) {
  size_t at = 0;
  if constexpr (std::endian::native == std::endian::little) {
    while (value.size() - at >= 8) {
      uint64_t word;
      std::memcpy(&word, value.data() + at, sizeof word);
      const uint64_t marked = control_bytes(word);
      if (marked == 0) {
        at += 8;
        continue;
      }
      at += static_cast<size_t>(std::countr_zero(marked)) / 8;
      if (value[at] != '\t') return at;
      ++at;
    }
  }
  for (; at < value.size(); ++at) {
    const auto c = static_cast<unsigned char>(value[at]);
    if ((c < 0x20 && c != '\t') || c == 0x7F) return at;
  }
  return std::string_view::npos;
}

bool is_authority(std::string_view text) {
  size_t host_end = 0;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return false;
    host_end = close + 1;
  } else {
    host_end = std::min(text.find(':'), text.size());
    const std::string_view host = text.substr(0, host_end);
    const bool valid = std::all_of(host.begin(), host.end(), [](char c) { return is(c, kHost); });
    if (host.empty() || !valid) return false;
  }
  if (host_end == text.size()) return true;
  return text[host_end] == ':' && is_port(text.substr(host_end + 1));
}

bool is_escaped_path(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (is(text[at], kHost)) continue;
    if (text[at] != '%' || at + 2 >= text.size()) return false;
    if (hex_digit(text[at + 1]) < 0 || hex_digit(text[at + 2]) < 0) return false;
    at += 2;
  }
  return !text.empty();
}

size_t find_invalid_in_target(std::string_view target) {
  if (!target.starts_with('/')) return 0;
  const size_t stop = find_not_path(target, 1);
  if (stop == std::string_view::npos || target[stop] != '?') return stop;
  for (size_t at = stop + 1; at < target.size(); ++at) {
    if (!is(target[at], kQuery) && target[at] != '%') return at;
  }
  return std::string_view::npos;
}

bool is_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::Connection:
    case FieldId::Http2Settings:
    case FieldId::KeepAlive:
    case FieldId::ProxyConnection:
    case FieldId::Te:
    case FieldId::TransferEncoding:
    case FieldId::Upgrade: return true;
    default: return false;
  }
}

bool connection_lists(const Fields& fields, std::string_view name) {
  for (const Field field : fields) {
    if (field.id != FieldId::Connection) continue;
    std::string_view list = field.value;
    std::string_view element;
    while (next_list_element(list, element)) {
      if (ascii_equal(element, name)) return true;
    }
  }
  return false;
}

bool is_forbidden_in_trailers(const Field& field) {
  static constexpr FieldId kIds[] = {FieldId::PseudoAuthority,
                                     FieldId::PseudoMethod,
                                     FieldId::PseudoPath,
                                     FieldId::PseudoScheme,
                                     FieldId::PseudoStatus,
                                     FieldId::Authorization,
                                     FieldId::CacheControl,
                                     FieldId::ContentEncoding,
                                     FieldId::ContentLength,
                                     FieldId::ContentType,
                                     FieldId::Cookie,
                                     FieldId::Expect,
                                     FieldId::Forwarded,
                                     FieldId::Host,
                                     FieldId::ProxyAuthenticate,
                                     FieldId::ProxyAuthorization,
                                     FieldId::Range,
                                     FieldId::SetCookie,
                                     FieldId::Trailer,
                                     FieldId::WwwAuthenticate,
                                     FieldId::XForwardedFor,
                                     FieldId::XForwardedHost,
                                     FieldId::XForwardedProto};
  static constexpr std::string_view kNames[] = {
      "content-range", "if-match", "if-modified-since",  "if-none-match", "if-range",
      "max-forwards",  "pragma",   "if-unmodified-since"};
  if (field.id == FieldId::Other) return is_one_of(field.name, kNames);
  return is_hop_by_hop(field.id) ||
         std::find(std::begin(kIds), std::end(kIds), field.id) != std::end(kIds);
}

bool next_list_element(std::string_view& list, std::string_view& element) {
  if (list.data() == nullptr) return false;
  const size_t comma = list.find(',');
  element = trim_ows(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return true;
}

}  // namespace parley::http
