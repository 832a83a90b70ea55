#include "contract/problem.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/utf8.h"

namespace parley::contract {
namespace {

Problem problem_at(Problem::Severity severity, const Location& where, std::string what,
                   std::string remedy) {
  return {severity,     std::string(where.file), where.line,
          where.column, std::move(what),         std::move(remedy)};
}

std::string printable(const std::string& text) {
  std::string out = utf8_repaired(text);
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return out;
}

}  // namespace

std::string Problem::text() const {
  std::string out = file;
  if (!file.empty() && line > 0) out += fmt::format(":{}", line);
  if (!file.empty() && line > 0 && column > 0) out += fmt::format(":{}", column);
  if (!file.empty()) out += ": ";
  out += what;
  if (!remedy.empty()) out += "; " + remedy;
  return out;
}

bool has_errors(std::span<const Problem> problems) {
  return std::ranges::any_of(
      problems, [](const Problem& each) { return each.severity == Problem::Severity::Error; });
}

void Problems::error(const Location& where, std::string what, std::string remedy) {
  add(problem_at(Problem::Severity::Error, where, std::move(what), std::move(remedy)));
}

void Problems::warning(const Location& where, std::string what, std::string remedy) {
  add(problem_at(Problem::Severity::Warning, where, std::move(what), std::move(remedy)));
}

// Names come from files that may hold anything: a message to people has no control characters.
void Problems::add(Problem problem) {
  for (std::string* text : {&problem.file, &problem.what, &problem.remedy})
    *text = printable(*text);
  failed_ = failed_ || problem.severity == Problem::Severity::Error;
  if (list_.size() < kProblemsMax)
    list_.push_back(std::move(problem));
  else
    ++dropped_;
}

std::vector<Problem> Problems::take() {
  if (dropped_ > 0) {
    list_.push_back({failed_ ? Problem::Severity::Error : Problem::Severity::Warning,
                     {},
                     0,
                     0,
                     fmt::format("{} more problems", dropped_),
                     {}});
    dropped_ = 0;
  }
  return std::exchange(list_, {});
}

}  // namespace parley::contract
