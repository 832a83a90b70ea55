#include "wire/well_known_text.h"

#include "base/ascii.h"
#include "wire/number_text.h"

namespace parley::wire {
namespace {

constexpr int64_t kTimestampMin = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr int64_t kTimestampMax = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr int64_t kDurationMax = 315'576'000'000;   // 10,000 years
constexpr int32_t kNanosEnd = 1'000'000'000;
constexpr int64_t kDay = 86'400;

// Takes text from the left.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}

  bool digits(size_t count, int& value) {
    if (text_.size() < count) return false;
    value = 0;
    for (size_t i = 0; i < count; ++i) {
      if (!ascii_digit(text_[i])) return false;
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return true;
  }

  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  // A fraction in nanoseconds, if a point follows.
  bool fraction(int32_t& nanos) {
    nanos = 0;
    if (!take('.')) return true;
    int32_t unit = kNanosEnd / 10;
    size_t count = 0;
    for (; !text_.empty() && ascii_digit(text_.front()); ++count) {
      if (count == 9) return false;
      nanos += (text_.front() - '0') * unit;
      unit /= 10;
      text_.remove_prefix(1);
    }
    return count > 0;
  }

  bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
};

bool leap_year(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_of_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap_year(year) ? 29 : kDays[month - 1];
}

// Days since 1970-01-01 in the proleptic Gregorian calendar. The year is counted from March, so
// that the leap day is its last.
int64_t days_from_date(int year, int month, int day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t month_from_march = (month + 9) % 12;
  const int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
  return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719'468;
}

struct Date {
  int year, month, day;
};

// The inverse. REQUIRES: a day in the years 1 to 9999.
Date date_from_days(int64_t days) {
  constexpr int64_t kEra = 146'097;  // days of 400 years
  const int64_t shifted = days + 719'468;
  const int64_t era = shifted / kEra;
  const int64_t day_of_era = shifted % kEra;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  const auto month =
      static_cast<int>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  const auto year = static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
  return {year, month, day};
}

bool read_clock(TextCursor& text, int64_t& seconds) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!text.digits(2, hour) || !text.take(':') || !text.digits(2, minute) || !text.take(':') ||
      !text.digits(2, second))
    return false;
  seconds = hour * 3600 + minute * 60 + second;
  return hour < 24 && minute < 60 && second < 60;
}

bool read_offset(TextCursor& text, int64_t& seconds) {
  seconds = 0;
  if (text.take('Z')) return true;
  const bool east = text.take('+');
  if (!east && !text.take('-')) return false;
  int hour = 0;
  int minute = 0;
  if (!text.digits(2, hour) || !text.take(':') || !text.digits(2, minute)) return false;
  seconds = (hour * 3600 + minute * 60) * (east ? 1 : -1);
  return hour < 24 && minute < 60;
}

char* put_fraction(char* to, int32_t nanos) {
  if (nanos == 0) return to;
  const auto value = static_cast<uint32_t>(nanos);
  *to++ = '.';
  if (value % 1'000'000 == 0) return put_padded(to, value / 1'000'000, 3);
  if (value % 1'000 == 0) return put_padded(to, value / 1'000, 6);
  return put_padded(to, value, 9);
}

}  // namespace

bool read_timestamp(std::string_view text, TimeParts& time) {
  TextCursor cursor(text);
  int year = 0;
  int month = 0;
  int day = 0;
  if (!cursor.digits(4, year) || !cursor.take('-') || !cursor.digits(2, month) ||
      !cursor.take('-') || !cursor.digits(2, day) || !cursor.take('T'))
    return false;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
    return false;
  int64_t clock = 0;
  int64_t offset = 0;
  if (!read_clock(cursor, clock) || !cursor.fraction(time.nanos) || !read_offset(cursor, offset) ||
      !cursor.at_end())
    return false;
  time.seconds = days_from_date(year, month, day) * kDay + clock - offset;
  return valid_timestamp(time);
}

bool read_duration(std::string_view text, TimeParts& duration) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  size_t digits = 0;
  int64_t seconds = 0;
  for (; digits < text.size() && ascii_digit(text[digits]); ++digits) {
    seconds = seconds * 10 + (text[digits] - '0');
    if (seconds > kDurationMax) return false;
  }
  TextCursor rest(text.substr(digits));
  if (digits == 0 || !rest.fraction(duration.nanos) || !rest.take('s') || !rest.at_end())
    return false;
  duration.seconds = negative ? -seconds : seconds;
  if (negative) duration.nanos = -duration.nanos;
  return valid_duration(duration);
}

bool valid_timestamp(const TimeParts& time) {
  return time.seconds >= kTimestampMin && time.seconds <= kTimestampMax && time.nanos >= 0 &&
         time.nanos < kNanosEnd;
}

bool valid_duration(const TimeParts& duration) {
  const int64_t s = duration.seconds;
  const int32_t n = duration.nanos;
  if (s < -kDurationMax || s > kDurationMax || n <= -kNanosEnd || n >= kNanosEnd) return false;
  return !((s > 0 && n < 0) || (s < 0 && n > 0));
}

char* put_timestamp(char* to, const TimeParts& time) {
  const int64_t since_year_one = time.seconds - kTimestampMin;
  const auto clock = static_cast<uint32_t>(since_year_one % kDay);
  const Date date = date_from_days(since_year_one / kDay + kTimestampMin / kDay);
  to = put_padded(to, static_cast<uint32_t>(date.year), 4);
  *to++ = '-';
  to = put_padded(to, static_cast<uint32_t>(date.month), 2);
  *to++ = '-';
  to = put_padded(to, static_cast<uint32_t>(date.day), 2);
  *to++ = 'T';
  to = put_padded(to, clock / 3600, 2);
  *to++ = ':';
  to = put_padded(to, clock / 60 % 60, 2);
  *to++ = ':';
  to = put_padded(to, clock % 60, 2);
  to = put_fraction(to, time.nanos);
  *to++ = 'Z';
  return to;
}

char* put_duration(char* to, const TimeParts& duration) {
  const bool negative = duration.seconds < 0 || duration.nanos < 0;
  if (negative) *to++ = '-';
  to = put_int64(to, negative ? -duration.seconds : duration.seconds);
  to = put_fraction(to, negative ? -duration.nanos : duration.nanos);
  *to++ = 's';
  return to;
}

bool mask_path_from_json(std::string_view json_path, std::string& to) {
  to.clear();
  bool in_key = false;
  bool in_name = false;  // something of the name has been read
  for (const char c : json_path) {
    if (c == '_') return false;
    if (c == '`') in_key = !in_key;
    if (c == '.' && !in_key) {
      if (!in_name) return false;
      in_name = false;
    } else {
      if (!in_key && (c <= ' ' || c >= 0x7F)) return false;
      in_name = true;
    }
    if (c >= 'A' && c <= 'Z') to += '_';
    to += ascii_lower(c);
  }
  return in_name && !in_key;
}

bool mask_path_to_json(std::string_view path, std::string& to) {
  to.clear();
  bool after_underscore = false;
  for (const char c : path) {
    if ((c >= 'A' && c <= 'Z') || c == ',') return false;
    if (after_underscore) {
      if (c < 'a' || c > 'z') return false;
      to += static_cast<char>(c - 'a' + 'A');
      after_underscore = false;
    } else if (c == '_') {
      after_underscore = true;
    } else {
      to += c;
    }
  }
  return !after_underscore && !path.empty();
}

}  // namespace parley::wire
