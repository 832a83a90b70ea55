#include "http/date.h"

#include <array>
#include <chrono>
#include <string>

#include <fmt/format.h>

namespace parley::http {
namespace {

std::string date_text(std::chrono::sys_seconds time) {
  static constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                            "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
      clock.seconds().count());
}

}  // namespace

std::string_view http_date(WallTime time) {
  thread_local std::chrono::sys_seconds second{std::chrono::seconds::min()};
  thread_local std::string text;
  const auto now = std::chrono::floor<std::chrono::seconds>(time);
  if (now != second) {
    second = now;
    text = date_text(now);
  }
  return text;
}

}  // namespace parley::http
