#include "config/word.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/ascii.h"
#include "config/nearest.h"
#include "net/address.h"

namespace parley::config {
namespace {

constexpr uint64_t kNumberMax = std::numeric_limits<int64_t>::max();

struct Unit {
  std::string_view name;
  uint64_t size;
};
// The larger first, so that showing finds the largest that fits.
constexpr std::array<Unit, 3> kByteUnits = {
    {{"GiB", uint64_t{1} << 30}, {"MiB", uint64_t{1} << 20}, {"KiB", uint64_t{1} << 10}}};
constexpr std::array<Unit, 6> kTimeUnits = {{{"h", 3'600'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"s", 1'000'000'000},
                                             {"ms", 1'000'000},
                                             {"us", 1000},
                                             {"ns", 1}}};

std::unexpected<Wrong> wrong(std::string what, std::string remedy) {
  return std::unexpected(Wrong{std::move(what), std::move(remedy)});
}

std::unexpected<Wrong> no_number(std::string_view text) {
  return wrong(fmt::format("`{}` is no number", text), "write digits, as in 128");
}
std::unexpected<Wrong> no_size(std::string_view text) {
  return wrong(fmt::format("`{}` is no size", text), "write 65536, 64KiB, 4MiB or 1GiB");
}
std::unexpected<Wrong> no_duration(std::string_view text) {
  return wrong(fmt::format("`{}` is no duration", text), "write 250ms, 5s, 1m30s or 1h");
}

// Takes the digits at the front of `text`; none, or too many for the type: nullopt.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() || value > kNumberMax) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  const auto found =
      std::ranges::find_if(units, [&](const Unit& unit) { return unit.name == name; });
  return found == units.end() ? nullptr : &*found;
}

Read<std::string> checked_listen_address(std::string_view text) {
  std::string address(text);
  if (address.starts_with("localhost:")) address.replace(0, 9, "127.0.0.1");
  if (address.starts_with(":") || address.starts_with("*:")) {
    return wrong(fmt::format("`{}` does not say which address", text),
                 fmt::format("write 127.0.0.1{0}, or 0.0.0.0{0} for every address",
                             address.substr(address.find(':'))));
  }
  if (const auto parsed = net::Address::parse(address); !parsed) {
    return wrong(fmt::format("`{}` is no address to listen on: {}", text, parsed.error().message()),
                 "write 127.0.0.1:8080, [::1]:8080, 0.0.0.0:8080 or unix:/path");
  }
  return address;
}

Read<std::string> checked_endpoint(std::string_view text) {
  constexpr std::string_view kDns = "dns:///";
  constexpr std::string_view kHttps = "https://";
  constexpr std::string_view kRemedy =
      "write host:50051, https://host:50051, dns:///host:50051 or unix:/path";
  std::string problem;
  std::string_view rest = text;
  for (const std::string_view prefix : {kDns, kHttps}) {
    if (text.starts_with(prefix)) rest = text.substr(prefix.size());
  }
  if (text.starts_with("unix:")) {
    if (const auto parsed = net::Address::parse(text); !parsed) problem = parsed.error().message();
  } else if (rest.find("://") != std::string_view::npos) {
    problem = "it is a URL";
  } else {
    const auto split = net::split_host_port(rest);
    if (!split)
      problem = split.error().message();
    else if (split->port == 0)
      problem = "port 0 cannot be connected to";
  }
  if (problem.empty()) return std::string(text);
  return wrong(fmt::format("`{}` is no endpoint: {}", text, problem), std::string(kRemedy));
}

bool is_identifier(std::string_view text) {
  return !text.empty() && !ascii_digit(text.front()) && std::ranges::all_of(text, [](char c) {
    return ascii_alpha(c) || ascii_digit(c) || c == '_';
  });
}

// "*", or identifiers with dots between them, of which the last may be "*".
bool is_selector(std::string_view text) {
  for (;;) {
    const size_t dot = text.find('.');
    if (dot == std::string_view::npos) return text == "*" || is_identifier(text);
    if (!is_identifier(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
}

// RFC 9110, 5.6.2: names of fields and verbs. `*`, which stands for any rest, is one of its
// letters.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return ascii_alpha(c) || ascii_digit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

}  // namespace

Read<uint64_t> read_count(std::string_view text) {
  std::string_view rest = text;
  const auto value = take_number(rest);
  if (!value || !rest.empty()) return no_number(text);
  return *value;
}

Read<uint64_t> read_bytes(std::string_view text) {
  std::string_view rest = text;
  const auto value = take_number(rest);
  if (!value) return no_size(text);
  if (rest.empty() || rest == "B") return *value;
  const Unit* unit = find_unit(kByteUnits, rest);
  if (!unit || *value > kNumberMax / unit->size) return no_size(text);
  return *value * unit->size;
}

// Parts go from the larger to the smaller unit, each at most once.
Read<Duration> read_duration(std::string_view text) {
  std::string_view rest = text;
  uint64_t total = 0;
  uint64_t last_size = std::numeric_limits<uint64_t>::max();
  do {
    const auto value = take_number(rest);
    if (!value) return no_duration(text);
    const size_t letters =
        static_cast<size_t>(std::ranges::find_if(rest, ascii_digit) - rest.begin());
    const Unit* unit = find_unit(kTimeUnits, rest.substr(0, letters));
    if (!unit || unit->size >= last_size) return no_duration(text);
    if (*value > (kNumberMax - total) / unit->size) return no_duration(text);
    total += *value * unit->size;
    last_size = unit->size;
    rest.remove_prefix(letters);
  } while (!rest.empty());
  return Duration(static_cast<int64_t>(total));
}

std::string show_count(uint64_t count) { return fmt::format("{}", count); }

std::string show_bytes(uint64_t bytes) {
  for (const Unit& unit : kByteUnits) {
    if (bytes > 0 && bytes % unit.size == 0)
      return fmt::format("{}{}", bytes / unit.size, unit.name);
  }
  return fmt::format("{}", bytes);
}

std::string show_duration(Duration duration) {
  auto rest = static_cast<uint64_t>(duration.count());
  if (rest == 0) return "0s";
  std::string text;
  for (const Unit& unit : kTimeUnits) {
    if (rest >= unit.size) text += fmt::format("{}{}", rest / unit.size, unit.name);
    rest %= unit.size;
  }
  return text;
}

std::string range_text(std::string_view kind, std::string_view least, std::string_view most) {
  return fmt::format("{}, {} to {}", kind, least, most);
}

Wrong out_of_range(std::string_view text, std::string_view least, std::string_view most) {
  return {fmt::format("`{}` is out of range", text), fmt::format("write {} to {}", least, most)};
}

Word<Duration> duration(Duration least, Duration most) {
  const std::string low = show_duration(least);
  const std::string high = show_duration(most);
  return {range_text("duration", low, high),
          [=](std::string_view text) -> Read<Duration> {
            const Read<Duration> value = read_duration(text);
            if (value && (*value < least || *value > most))
              return std::unexpected(out_of_range(text, low, high));
            return value;
          },
          [](const Duration& value) { return show_duration(value); }};
}

std::string choices_text(std::span<const std::string_view> names) {
  return fmt::format("`{}`", fmt::join(names, "`, `"));
}

Wrong no_choice(std::string_view text, std::span<const std::string_view> names) {
  return {fmt::format("`{}` is none of {}", text, joined(names)),
          nearest(text, names).empty() ? fmt::format("write {}", fmt::join(names, " or "))
                                       : suggestion(text, names)};
}

Word<bool> yes_or_no() { return choice<bool>({{"false", false}, {"true", true}}); }

Word<std::string> text(std::string type) {
  return {std::move(type),
          [](std::string_view text) -> Read<std::string> {
            if (text.empty()) return wrong("it is empty", "write a value, or leave the key out");
            return std::string(text);
          },
          [](const std::string& value) { return value; }};
}

Word<std::string> listen_address() {
  return {"address", checked_listen_address, [](const std::string& value) { return value; }};
}

Word<std::string> admin_address() {
  return {"address, or `off`",
          [](std::string_view text) -> Read<std::string> {
            if (text == "off") return std::string(text);
            return checked_listen_address(text);
          },
          [](const std::string& value) { return value; }};
}

Word<std::string> endpoint() {
  return {"endpoint", checked_endpoint, [](const std::string& value) { return value; }};
}

Word<net::AddressRange> address_range() {
  return {"addresses",
          [](std::string_view text) -> Read<net::AddressRange> {
            auto range = net::AddressRange::parse(text);
            if (range) return *std::move(range);
            return std::unexpected(Wrong{range.error().message(),
                                         "write 10.0.0.0/8, 192.0.2.1, 2001:db8::/32 or unix"});
          },
          [](const net::AddressRange& value) { return value.text(); }};
}

Word<std::string> selector() {
  return {"selector",
          [](std::string_view text) -> Read<std::string> {
            if (is_selector(text)) return std::string(text);
            return wrong(fmt::format("`{}` is no selector", text),
                         "write shop.v1.Orders.Create, shop.v1.Orders.*, shop.v1.* or *");
          },
          [](const std::string& value) { return value; }};
}

Word<std::string> field_name() {
  return {"field name",
          [](std::string_view text) -> Read<std::string> {
            if (is_token(text)) return ascii_lowered(text);
            return wrong(fmt::format("`{}` is no name of a header field", text),
                         "write a name such as cookie, or x-tenant-*");
          },
          [](const std::string& value) { return value; }};
}

Word<std::string> host_name() {
  return {"host name",
          [](std::string_view text) -> Read<std::string> {
            const bool right = !text.empty() && std::ranges::all_of(text, [](char c) {
              return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '.' || c == '_';
            });
            if (right) return ascii_lowered(text);
            return wrong(fmt::format("`{}` is no host name", text),
                         "write a name without a port, such as parley.internal");
          },
          [](const std::string& value) { return value; }};
}

Word<std::string> verb() {
  return {"verb",
          [](std::string_view text) -> Read<std::string> {
            if (is_token(text)) return std::string(text);
            return wrong(fmt::format("`{}` is no verb", text), "write a verb such as QUERY, or *");
          },
          [](const std::string& value) { return value; }};
}

Word<edge::LogFormat> log_format() {
  using edge::LogFormat;
  return choice<LogFormat>(
      {{"text", LogFormat::Text}, {"json", LogFormat::Json}, {"off", LogFormat::Off}});
}

Word<uint32_t> threads() {
  const Word<uint32_t> some = count<uint32_t>(1, kThreadsMax);
  return {some.type + ", or `auto`: the cores",
          [some](std::string_view text) -> Read<uint32_t> {
            if (text == "auto") return 0;
            return some.read(text);
          },
          [some](const uint32_t& value) { return value == 0 ? "auto" : some.show(value); }};
}

bool is_upstream_name(std::string_view text) {
  return !text.empty() && text.size() <= kUpstreamNameBytesMax &&
         std::ranges::all_of(text, [](char c) {
           return ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '_' || c == '.';
         });
}

}  // namespace parley::config
