#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "wire/json_cursor.h"
#include "wire/key_set.h"

namespace parley::wire {

// Passes over JSON values that nobody wants, checked as fully as those that are read, double keys
// too. Its memory serves one value after the other.
class JsonSkipper {
 public:
  // Passes the value at the cursor, nested at most `depth` deep.
  bool skip(JsonCursor& cursor, uint32_t depth);

  // Where in the value skip() failed, behind what leads to the value: ".a[2].b".
  void append_path(std::string& path) const;

  size_t retained() const;

 private:
  // An object or an array that is open.
  struct Level {
    bool object;
    bool key_passed = false;  // the current key of an object has been
    uint32_t count = 0;       // keys or elements so far, with the current one
    uint32_t names;           // size of names_ without its keys
    uint32_t key = 0;         // where in names_ the current key is
  };

  void open(bool object);
  void close();
  bool next(JsonCursor& cursor, bool& ended);
  bool key(JsonCursor& cursor);
  bool scalar(JsonCursor& cursor);

  std::vector<Level> levels_;  // the innermost last
  std::vector<KeySet> sets_;   // of the objects among them, and spare ones behind
  size_t objects_ = 0;         // among the levels
  std::string names_;          // the keys of all levels
  std::string text_;           // a string without its escapes
};

// A name as a path shows it: an empty one would not be seen.
inline std::string_view name_in_path(std::string_view name) {
  return name.empty() ? std::string_view("\"\"") : name;
}

}  // namespace parley::wire
