#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "edge/settings.h"
#include "net/address_range.h"

namespace parley::config {

// Why a word cannot be taken, and what to write instead.
struct Wrong {
  std::string what;
  std::string remedy;
};
template <typename T>
using Read = std::expected<T, Wrong>;

// A value that is one word, in YAML and behind a flag alike: which words there are, how one is
// read, and how a value is written.
template <typename T>
struct Word {
  std::string type;  // for the reference: "duration, 1ms to 1h"
  std::function<Read<T>(std::string_view)> read;
  std::function<std::string(const T&)> show;
};

// The three ways to write a number; each reads at most 2^63 - 1 of its unit.
Read<uint64_t> read_count(std::string_view text);     // "128", "65_536"
Read<uint64_t> read_bytes(std::string_view text);     // "65536", "64KiB", "4MiB", "1GiB"
Read<Duration> read_duration(std::string_view text);  // "250ms", "5s", "1m30s", "1h", "0s"
std::string show_bytes(uint64_t bytes);               // in the largest unit that is exact
std::string show_duration(Duration duration);

std::string range_text(std::string_view kind, std::string_view least, std::string_view most);
Wrong out_of_range(std::string_view text, std::string_view least, std::string_view most);

// An integer of type T in [least, most], read and shown by the two functions.
template <typename T>
Word<T> number(std::string_view kind, Read<uint64_t> (*read)(std::string_view),
               std::string (*show)(uint64_t), T least, T most) {
  const std::string low = show(static_cast<uint64_t>(least));
  const std::string high = show(static_cast<uint64_t>(most));
  return {range_text(kind, low, high),
          [=](std::string_view text) -> Read<T> {
            const Read<uint64_t> value = read(text);
            if (!value) return std::unexpected(value.error());
            if (*value < static_cast<uint64_t>(least) || *value > static_cast<uint64_t>(most))
              return std::unexpected(out_of_range(text, low, high));
            return static_cast<T>(*value);
          },
          [=](const T& value) { return show(static_cast<uint64_t>(value)); }};
}

std::string show_count(uint64_t count);

template <typename T>
Word<T> count(T least, T most) {
  return number<T>("number", read_count, show_count, least, most);
}
template <typename T>
Word<T> bytes(T least, T most) {
  return number<T>("size", read_bytes, show_bytes, least, most);
}
Word<Duration> duration(Duration least, Duration most);

// One of a few names. The first that stands for a value is the one that is shown.
template <typename T>
using Choices = std::vector<std::pair<std::string_view, T>>;

std::string choices_text(std::span<const std::string_view> names);
Wrong no_choice(std::string_view text, std::span<const std::string_view> names);

template <typename T>
Word<T> choice(Choices<T> choices) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : choices) names.push_back(name);
  return {choices_text(names),
          [=](std::string_view text) -> Read<T> {
            for (const auto& [name, value] : choices) {
              if (name == text) return value;
            }
            return std::unexpected(no_choice(text, names));
          },
          [=](const T& wanted) -> std::string {
            for (const auto& [name, value] : choices) {
              if (value == wanted) return std::string(name);
            }
            return {};
          }};
}
Word<bool> yes_or_no();  // `true`, `false`

Word<std::string> text(std::string type);
Word<std::string> listen_address();  // "127.0.0.1:8080", "[::1]:0", "unix:/path", "localhost:8080"
Word<std::string> admin_address();   // the same, or "off"
Word<std::string> endpoint();        // "host:port", "dns:///host:port", "unix:/path"
Word<net::AddressRange> address_range();  // "10.0.0.0/8", "::1", "unix"
Word<std::string> selector();    // "*", "shop.v1.*", "shop.v1.Orders", "shop.v1.Orders.Create"
Word<std::string> field_name();  // of HTTP, lower-cased
Word<std::string> host_name();   // without a port
Word<std::string> verb();        // of HTTP, as it is written; "*": every one
Word<edge::LogFormat> log_format();
Word<uint32_t> threads();  // from 1, or `auto` for 0: the cores

// As many as there can be sensibly, over all that has such a bound.
inline constexpr uint32_t kThreadsMax = 1024;
inline constexpr uint32_t kUpstreamNameBytesMax = 128;

// Whether a text may name an upstream: letters, digits, '-', '_', '.'.
bool is_upstream_name(std::string_view text);

}  // namespace parley::config
