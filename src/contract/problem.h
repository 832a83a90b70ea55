#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/model.h"

namespace parley::contract {

// What is wrong with a contract, for the person who wrote it.
struct Problem {
  enum class Severity : uint8_t {
    Error,    // no contract is made
    Warning,  // the contract works without what was dropped
  };

  Severity severity = Severity::Error;
  std::string file;  // may be empty: not known
  int line = 0;      // from 1; 0: not known
  int column = 0;
  std::string what;
  std::string remedy;  // what to do about it; may be empty

  // "file:line:column: what; remedy", without the parts that are not known.
  std::string text() const;

  friend bool operator==(const Problem&, const Problem&) = default;
};

bool has_errors(std::span<const Problem> problems);

// Collects problems; beyond `kProblemsMax` they are only counted, so that a broken set of files
// cannot fill memory with complaints.
class Problems {
 public:
  static constexpr size_t kProblemsMax = 1000;

  void error(const Location& where, std::string what, std::string remedy = {});
  void warning(const Location& where, std::string what, std::string remedy = {});
  void add(Problem problem);

  bool failed() const { return failed_; }
  // All that was collected, as it came; a last one says how many more there were.
  std::vector<Problem> take();

 private:
  std::vector<Problem> list_;
  size_t dropped_ = 0;
  bool failed_ = false;
};

}  // namespace parley::contract
