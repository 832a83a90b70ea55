#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "config/word.h"
#include "config/yaml_tree.h"
#include "contract/problem.h"
#include "gateway/place.h"

namespace parley::config {

// What reading one file needs beside the values: where problems go, and where paths begin.
class Reader {
 public:
  // `file` and `problems` are borrowed.
  Reader(const std::string& file, contract::Problems& problems)
      : file_(file), folder_(std::filesystem::path(file).parent_path()), problems_(problems) {}

  const std::string& file() const { return file_; }
  // Paths in a file are relative to its folder.
  std::string beside(std::string_view path) const { return (folder_ / path).string(); }

  // Where something stands, for what turns out to be wrong with it later.
  gateway::Place place(Position at) const { return {file_, at.line, at.column}; }

  void error(Position at, std::string what, std::string remedy = {});
  void error(Position at, std::string_view key, Wrong wrong);
  void warning(Position at, std::string what, std::string remedy = {});
  void unknown_key(const Entry& entry, std::string_view inside,
                   std::span<const std::string_view> names);
  void missing_key(Position at, std::string_view inside, std::string_view key);

  // Whether the value is of that kind; if not, that is an error.
  bool expect(const Node& node, Node::Kind kind, std::string_view key);

  // The value as one word; nullptr: it is none, which is an error.
  const std::string* word(const Node& node, std::string_view key) {
    return expect(node, Node::Kind::Word, key) ? &node.word : nullptr;
  }

 private:
  const std::string& file_;
  const std::filesystem::path folder_;
  contract::Problems& problems_;
};

}  // namespace parley::config
