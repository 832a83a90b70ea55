#include "config/yaml_tree.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

namespace parley::config {
namespace {

Position position_of(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

// Builds the tree from yaml-cpp's events. Beyond a limit it takes nothing more: the file's size
// bounds what is still parsed.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::string& file, contract::Problems& problems)
      : file_(file), problems_(problems) {}

  Node take() { return std::move(root_); }
  bool full() const { return full_; }
  void error(Position at, std::string what, std::string remedy = {}) {
    problems_.error({file_, at.line, at.column}, std::move(what), std::move(remedy));
  }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf({Node::Kind::Null, position_of(mark), {}, {}, {}}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    leaf({Node::Kind::Word, position_of(mark), value, {}, {}}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open({Node::Kind::List, position_of(mark), {}, {}, {}}, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open({Node::Kind::Map, position_of(mark), {}, {}, {}}, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or mapping that is still being read.
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    std::optional<Entry> entry;        // of a mapping: the key that waits for its value
    std::map<std::string, int> lines;  // of a mapping: where its keys stand
  };

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      error(position_of(mark), fmt::format("the tag {} has no meaning here", tag), "remove it");
  }
  bool count(Position at, size_t values);
  void leaf(Node node, YAML::anchor_t anchor);
  void open(Node node, YAML::anchor_t anchor);
  void close();
  void add(Node node);
  void add_key(Open& parent, Node key);
  void too_deep(Position at);

  const std::string& file_;
  contract::Problems& problems_;
  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  size_t values_ = 0;
  int documents_ = 0;
  bool full_ = false;  // a limit was passed: nothing more is taken
};

// A long word counts as several values, so that their number bounds the memory, too.
size_t weight_of(const std::string& word) { return 1 + word.size() / kValueBytes; }

size_t weight_of(const Node& node) {
  size_t weight = weight_of(node.word);
  for (const Node& item : node.items) weight += weight_of(item);
  for (const Entry& entry : node.entries) weight += weight_of(entry.key) + weight_of(entry.value);
  return weight;
}

size_t depth_of(const Node& node) {
  size_t depth = 0;
  for (const Node& item : node.items) depth = std::max(depth, depth_of(item));
  for (const Entry& entry : node.entries) depth = std::max(depth, depth_of(entry.value));
  return depth + 1;
}

void Builder::OnDocumentStart(const YAML::Mark& mark) {
  if (++documents_ == 1 || full_) return;
  error(position_of(mark), "a second document", "write one document a file, without `---`");
  full_ = true;
}

void Builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (full_) return;
  Node copy;
  copy.at = position_of(mark);
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    error(copy.at, "an alias of the value that it is part of", "write the value out");
  } else {
    if (!count(copy.at, weight_of(found->second))) return;
    if (open_.size() + depth_of(found->second) > kDepthMax) return too_deep(copy.at);
    copy = found->second;
    copy.at = position_of(mark);
  }
  add(std::move(copy));
}

bool Builder::count(Position at, size_t values) {
  if (full_) return false;
  values_ += values;
  if (values_ <= kValuesMax) return true;
  full_ = true;
  error(at, fmt::format("more than {} values, with those that aliases repeat", kValuesMax),
        "write less");
  return false;
}

void Builder::too_deep(Position at) {
  full_ = true;
  error(at, fmt::format("values inside of values, more than {} deep", kDepthMax), "write less");
}

void Builder::leaf(Node node, YAML::anchor_t anchor) {
  if (!count(node.at, (anchor != 0 ? 2 : 1) * weight_of(node.word))) return;
  if (anchor != 0) anchors_[anchor] = node;
  add(std::move(node));
}

void Builder::open(Node node, YAML::anchor_t anchor) {
  if (!count(node.at, 1)) return;
  if (open_.size() >= kDepthMax) return too_deep(node.at);
  open_.push_back({std::move(node), anchor, std::nullopt, {}});
}

void Builder::close() {
  if (full_) return;
  Open done = std::move(open_.back());
  open_.pop_back();
  if (done.anchor != 0) {
    if (!count(done.node.at, weight_of(done.node))) return;
    anchors_[done.anchor] = done.node;
  }
  add(std::move(done.node));
}

void Builder::add(Node node) {
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& parent = open_.back();
  if (parent.node.kind == Node::Kind::List) {
    parent.node.items.push_back(std::move(node));
  } else if (!parent.entry) {
    add_key(parent, std::move(node));
  } else {
    parent.entry->value = std::move(node);
    const auto [known, fresh] = parent.lines.emplace(parent.entry->key, parent.entry->at.line);
    if (fresh) {
      parent.node.entries.push_back(*std::move(parent.entry));
    } else {
      error(parent.entry->at,
            fmt::format("the key `{}` stands here twice, first in line {}", known->first,
                        known->second),
            "remove one of them");
    }
    parent.entry.reset();
  }
}

void Builder::add_key(Open& parent, Node key) {
  if (key.kind != Node::Kind::Word) error(key.at, "a key that is no word", "write `key: value`");
  parent.entry = Entry{std::move(key.word), key.at, {}};
}

bool parse(std::string_view text, Builder& builder) {
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    while (!builder.full() && parser.HandleNextDocument(builder)) {
    }
    return !builder.full();
  } catch (const YAML::Exception& exception) {
    builder.error(position_of(exception.mark), "this is no YAML: " + exception.msg,
                  "correct the line, or the one before it");
    return false;
  }
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  const auto found =
      std::ranges::find_if(entries, [&](const Entry& entry) { return entry.key == key; });
  return found == entries.end() ? nullptr : &found->value;
}

std::optional<Node> parse_yaml(std::string_view text, const std::string& file,
                               contract::Problems& problems) {
  Builder builder(file, problems);
  if (text.size() > kFileBytesMax) {
    builder.error({}, fmt::format("more than {} bytes", kFileBytesMax), "write less");
    return std::nullopt;
  }
  if (!parse(text, builder)) return std::nullopt;
  Node root = builder.take();
  if (root.kind == Node::Kind::Null) root.kind = Node::Kind::Map;
  return root;
}

}  // namespace parley::config
