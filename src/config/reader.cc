#include "config/reader.h"

#include <utility>

#include <fmt/format.h>

#include "config/nearest.h"

namespace parley::config {
namespace {

std::string_view name_of(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::Null: return "no value";
    case Node::Kind::Word: return "one word";
    case Node::Kind::List: return "a list";
    case Node::Kind::Map: break;
  }
  return "a mapping";
}

std::string_view example_of(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::Null:
    case Node::Kind::Word: return "value";
    case Node::Kind::List: return "[value, ...]";
    case Node::Kind::Map: break;
  }
  return "{name: value, ...}";
}

}  // namespace

void Reader::error(Position at, std::string what, std::string remedy) {
  problems_.error({file_, at.line, at.column}, std::move(what), std::move(remedy));
}

void Reader::error(Position at, std::string_view key, Wrong wrong) {
  error(at, fmt::format("{}: {}", key, wrong.what), std::move(wrong.remedy));
}

void Reader::warning(Position at, std::string what, std::string remedy) {
  problems_.warning({file_, at.line, at.column}, std::move(what), std::move(remedy));
}

void Reader::unknown_key(const Entry& entry, std::string_view inside,
                         std::span<const std::string_view> names) {
  error(entry.at,
        fmt::format("unknown key `{}`{}", entry.key,
                    inside.empty() ? "" : fmt::format(" in {}", inside)),
        suggestion(entry.key, names));
}

void Reader::missing_key(Position at, std::string_view inside, std::string_view key) {
  error(at, fmt::format("{}: the key `{}` is missing", inside, key),
        fmt::format("write `{}: ...`", key));
}

bool Reader::expect(const Node& node, Node::Kind kind, std::string_view key) {
  if (node.kind == kind) return true;
  error(node.at,
        fmt::format("{}: {} stands where {} belongs", key, name_of(node.kind), name_of(kind)),
        fmt::format("write `{}: {}`{}", key, example_of(kind),
                    node.kind == Node::Kind::Null ? ", or leave the key out" : ""));
  return false;
}

}  // namespace parley::config
