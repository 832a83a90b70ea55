#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/problem.h"

namespace parley::config {

// Limits of one file.
inline constexpr size_t kFileBytesMax = 1024 * 1024;
inline constexpr size_t kDepthMax = 32;
inline constexpr size_t kValuesMax = 100'000;  // with those that aliases repeat
inline constexpr size_t kValueBytes = 32;      // that many of a word count as one value

// From 1, as editors count.
struct Position {
  int line = 0;
  int column = 0;
};

struct Entry;

// A value in a YAML file and where it stands. Everything that is not a list or a mapping is a
// word: what `true` or `8080` mean is for its reader to say.
struct Node {
  enum class Kind : uint8_t { Null, Word, List, Map };

  Kind kind = Kind::Null;
  Position at;
  std::string word;
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a mapping, as written; no key is there twice

  const Node* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Position at;  // the key's
  Node value;
};

// Reads the one document of a YAML file; an empty one is a mapping without entries. Aliases are
// copies. `file` is for problems, which are errors: keys that are no words or stand twice, tags;
// and, so that nothing is returned, what is no YAML or beyond a limit.
std::optional<Node> parse_yaml(std::string_view text, const std::string& file,
                               contract::Problems& problems);

}  // namespace parley::config
