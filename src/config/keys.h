#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader.h"
#include "config/word.h"

// The vocabulary of the table of keys (settings_keys.cc): what can stand behind a key, and which
// member of a settings struct it fills. One table both reads files and writes the reference.
namespace parley::config {

// One line of the reference.
struct Row {
  std::string key;      // "http.header_timeout", "upstreams.NAME.expose"
  std::string type;     // empty: a mapping that has rows of its own
  std::string initial;  // the value without the key; empty: none
  std::string doc;
};

// A key of a mapping that fills a `Target`.
template <typename Target>
struct Key {
  std::string name;
  std::function<void(Reader&, const Node&, Target&)> read;
  // Its rows, where `initial` is what is not written; each begins with the key's own name.
  std::function<std::vector<Row>(const Target& initial)> rows;
};
template <typename Target>
using Keys = std::vector<Key<Target>>;

template <typename Target>
std::vector<std::string_view> names_of(const Keys<Target>& keys) {
  std::vector<std::string_view> names;
  for (const Key<Target>& key : keys) names.push_back(key.name);
  return names;
}

// Reads a mapping; `inside` names it, empty for the whole file.
template <typename Target>
void read_map(Reader& reader, const Node& node, std::string_view inside, const Keys<Target>& keys,
              Target& target) {
  for (const Entry& entry : node.entries) {
    const auto key =
        std::ranges::find_if(keys, [&](const Key<Target>& one) { return one.name == entry.key; });
    if (key == keys.end())
      reader.unknown_key(entry, inside, names_of(keys));
    else
      key->read(reader, entry.value, target);
  }
}

template <typename Target>
std::vector<Row> rows_of(const Keys<Target>& keys, const Target& initial,
                         const std::string& prefix) {
  std::vector<Row> rows;
  for (const Key<Target>& key : keys) {
    for (Row& row : key.rows(initial)) {
      row.key.insert(0, prefix);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

// `name: value`.
template <typename Target, typename Member, typename Value>
Key<Target> one(std::string name, Member Target::* member, Word<Value> word, std::string doc) {
  return {name,
          [=](Reader& reader, const Node& node, Target& target) {
            const std::string* text = reader.word(node, name);
            if (!text) return;
            Read<Value> read = word.read(*text);
            if (read)
              target.*member = *std::move(read);
            else
              reader.error(node.at, name, std::move(read).error());
          },
          [=](const Target& initial) -> std::vector<Row> {
            std::string shown;
            if constexpr (std::is_same_v<Member, std::optional<Value>>) {
              if (initial.*member) shown = word.show(*(initial.*member));
            } else {
              shown = word.show(initial.*member);
            }
            return {{name, word.type, shown, doc}};
          }};
}

// `name: [value, ...]`, or `name: value` for a list of one. Replaces the list.
template <typename Target, typename Value>
Key<Target> several(std::string name, std::vector<Value> Target::* member, Word<Value> word,
                    std::string doc) {
  return {
      name,
      [=](Reader& reader, const Node& node, Target& target) {
        if (node.kind != Node::Kind::Word && !reader.expect(node, Node::Kind::List, name)) return;
        const std::span<const Node> items =
            node.kind == Node::Kind::Word ? std::span(&node, 1) : std::span(node.items);
        std::vector<Value> values;
        for (const Node& item : items) {
          const std::string* text = reader.word(item, name);
          if (!text) continue;
          Read<Value> read = word.read(*text);
          if (read)
            values.push_back(*std::move(read));
          else
            reader.error(item.at, name, std::move(read).error());
        }
        target.*member = std::move(values);
      },
      [=](const Target&) -> std::vector<Row> { return {{name, "list of " + word.type, "", doc}}; }};
}

// Reads a mapping of `keys`, or, where there is a `main` key, its value alone.
template <typename Target>
void read_section(Reader& reader, const Node& node, const std::string& name,
                  const Keys<Target>& keys, const std::string& main, Target& target) {
  if (node.kind == Node::Kind::Map) return read_map(reader, node, name, keys, target);
  const auto key =
      std::ranges::find_if(keys, [&](const Key<Target>& one) { return one.name == main; });
  if (key == keys.end())
    reader.expect(node, Node::Kind::Map, name);
  else
    key->read(reader, node, target);
}

// `name: {key: value, ...}`: settings of the target that stand together. `main`: what is no mapping
// is the value of that key.
template <typename Target>
Key<Target> group(std::string name, Keys<Target> keys, std::string doc, std::string main = {}) {
  return {name,
          [=](Reader& reader, const Node& node, Target& target) {
            read_section(reader, node, name, keys, main, target);
          },
          [=](const Target& initial) {
            std::vector<Row> rows = {{name, "", "", doc}};
            std::ranges::move(rows_of(keys, initial, name + "."), std::back_inserter(rows));
            return rows;
          }};
}

// The keys of a member as keys of its owner.
template <typename Target, typename Member>
void append(Keys<Target>& keys, Member Target::* member, const Keys<Member>& more) {
  for (const Key<Member>& key : more) {
    keys.push_back(
        {key.name,
         [member, read = key.read](Reader& reader, const Node& node, Target& target) {
           read(reader, node, target.*member);
         },
         [member, rows = key.rows](const Target& initial) { return rows(initial.*member); }});
  }
}

// `name: {key: value, ...}`: a member's settings.
template <typename Target, typename Member>
Key<Target> section(std::string name, Member Target::* member, const Keys<Member>& keys,
                    std::string doc, std::string main = {}) {
  Keys<Target> own;
  append(own, member, keys);
  return group(std::move(name), std::move(own), std::move(doc), std::move(main));
}

// How the elements of a list or a mapping of settings are made and finished.
template <typename Element>
struct Elements {
  Keys<Element> keys;
  std::string main;  // what is no mapping is the value of that key
  // Called before the element's keys are read, with the name and position that it has.
  std::function<void(Reader&, Position, const std::string& name, Element&)> begin;
  // Called after: checks what single keys cannot.
  std::function<void(Reader&, const Node&, Element&)> check;
};

template <typename Element>
void read_element(Reader& reader, const Node& node, const std::string& name, Position at,
                  const Elements<Element>& elements, std::vector<Element>& list) {
  Element element;
  if (elements.begin) elements.begin(reader, at, name, element);
  read_section(reader, node, name, elements.keys, elements.main, element);
  if (elements.check) elements.check(reader, node, element);
  list.push_back(std::move(element));
}

// `name: [{key: value, ...}, ...]`, or `name: value` for a list of one main value. Replaces the
// list.
template <typename Target, typename Element>
Key<Target> list(std::string name, std::vector<Element> Target::* member,
                 Elements<Element> elements, std::string doc, std::string initial = {}) {
  return {name,
          [=](Reader& reader, const Node& node, Target& target) {
            const bool single = node.kind == Node::Kind::Word && !elements.main.empty();
            if (!single && !reader.expect(node, Node::Kind::List, name)) return;
            (target.*member).clear();
            for (const Node& item : single ? std::span(&node, 1) : std::span(node.items))
              read_element(reader, item, name, item.at, elements, target.*member);
          },
          [=](const Target&) {
            std::vector<Row> rows = {{name, "list", initial, doc}};
            std::ranges::move(rows_of(elements.keys, Element{}, name + "[]."),
                              std::back_inserter(rows));
            return rows;
          }};
}

// `name: {NAME: {key: value, ...}, ...}`, where each NAME is an element's.
template <typename Target, typename Element>
Key<Target> named(std::string name, std::vector<Element> Target::* member,
                  Elements<Element> elements, std::string placeholder, std::string doc) {
  return {name,
          [=](Reader& reader, const Node& node, Target& target) {
            if (!reader.expect(node, Node::Kind::Map, name)) return;
            (target.*member).clear();
            for (const Entry& entry : node.entries)
              read_element(reader, entry.value, entry.key, entry.at, elements, target.*member);
          },
          [=](const Target&) {
            std::vector<Row> rows = {{name, "mapping", "", doc}};
            std::ranges::move(rows_of(elements.keys, Element{}, name + "." + placeholder + "."),
                              std::back_inserter(rows));
            return rows;
          }};
}

}  // namespace parley::config
