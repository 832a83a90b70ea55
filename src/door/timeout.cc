#include "door/timeout.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "base/ascii.h"

namespace parley::door {
namespace {

// Takes digits off the front of `text`, at most `digits_max`; nullopt: none, or more.
std::optional<uint64_t> take_digits(std::string_view& text, size_t digits_max) {
  size_t size = 0;
  uint64_t value = 0;
  for (; size < text.size() && ascii_digit(text[size]); ++size) {
    if (size == digits_max) return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(text[size] - '0');
  }
  if (size == 0) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

std::optional<Duration> grpc_unit(char unit) {
  switch (unit) {
    case 'H': return std::chrono::hours(1);
    case 'M': return std::chrono::minutes(1);
    case 'S': return std::chrono::seconds(1);
    case 'm': return std::chrono::milliseconds(1);
    case 'u': return std::chrono::microseconds(1);
    case 'n': return std::chrono::nanoseconds(1);
    default: return std::nullopt;
  }
}

// `count` units; no timeout is longer than a Duration.
Duration times(uint64_t count, Duration unit) {
  const auto most = static_cast<uint64_t>(Duration::max() / unit);
  return count > most ? Duration::max() : unit * static_cast<int64_t>(count);
}

Result<void> add_timeout(std::optional<std::string_view> text, std::string_view name,
                         std::optional<Duration> (*parse)(std::string_view),
                         std::optional<Duration>& least) {
  if (!text) return {};
  const auto timeout = parse(*text);
  if (!timeout)
    return Failure(Reason::TimeoutInvalid, fmt::format("{} is not a timeout", name))
        .violation(std::string(name), "not a timeout");
  least = std::min(least.value_or(*timeout), *timeout);
  return {};
}

}  // namespace

std::optional<Duration> parse_grpc_timeout(std::string_view text) {
  const auto count = take_digits(text, 8);
  if (!count || text.size() != 1) return std::nullopt;
  const auto unit = grpc_unit(text[0]);
  if (!unit) return std::nullopt;
  return times(*count, *unit);
}

std::optional<Duration> parse_request_timeout(std::string_view text) {
  constexpr size_t kDigitsMax = 9;
  const auto whole = take_digits(text, kDigitsMax);
  if (!whole) return std::nullopt;
  uint64_t billionths = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const size_t before = text.size();
    const auto fraction = take_digits(text, kDigitsMax);
    if (!fraction) return std::nullopt;
    billionths = *fraction;
    for (size_t digits = before - text.size(); digits < kDigitsMax; ++digits) billionths *= 10;
  }
  const bool millis = text == "ms";
  if (!millis && !text.empty()) return std::nullopt;
  const Duration unit = millis ? std::chrono::milliseconds(1) : std::chrono::seconds(1);
  const auto fraction = Duration(static_cast<int64_t>(billionths) / (millis ? 1000 : 1));
  return times(*whole, unit) + fraction;
}

Result<Instant> call_deadline(const Fields& request, Instant started,
                              const contract::Method& method, const Settings& settings, bool rest) {
  std::optional<Duration> least;
  TRY_VOID(
      add_timeout(request.find(FieldId::GrpcTimeout), "grpc-timeout", parse_grpc_timeout, least));
  if (rest)
    TRY_VOID(add_timeout(request.find(FieldId::XRequestTimeout), "x-request-timeout",
                         parse_request_timeout, least));
  if (settings.timeout) least = std::min(least.value_or(*settings.timeout), *settings.timeout);
  if (!least && method.unary()) least = settings.unary_timeout_default;
  if (!least) return kNever;
  if (*least <= Duration::zero())
    return Failure(Reason::DeadlineExpired, "the timeout of the request is zero");
  return deadline_after(started, *least);
}

}  // namespace parley::door
