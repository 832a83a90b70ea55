#include "wire/field_selection.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace parley::wire {

// Where the field's part is, or would be.
std::vector<FieldSelection::Node::Part>::const_iterator FieldSelection::Node::find(
    const FieldPlan& plan) const {
  return std::lower_bound(parts_.begin(), parts_.end(), plan.index,
                          [](const Part& part, uint16_t field) { return part.field < field; });
}

const FieldSelection::Node* FieldSelection::Node::below(const FieldPlan& plan) const {
  const auto part = find(plan);
  if (part == parts_.end() || part->field != plan.index) return nullptr;
  return &selection_->nodes_[part->node];
}

uint32_t FieldSelection::add_node(const Program& program) {
  Node& node = nodes_.emplace_back();
  node.selection_ = this;
  node.bits_.resize(program.fields().size() / 64 + 1);
  return static_cast<uint32_t>(nodes_.size() - 1);
}

// Reads the text from left to right.
class SelectionParser {
 public:
  SelectionParser(FieldSelection& selection, std::string_view text, size_t depth_max)
      : selection_(selection), text_(text), depth_max_(depth_max) {}

  std::string run(const Program& program);

 private:
  // Where names are looked up. Without a program nothing can be named: a scalar, a well-known type.
  struct Place {
    const Program* program = nullptr;
    std::optional<uint32_t> node;       // nullopt: all of it is asked for already
    const FieldPlan* behind = nullptr;  // the list or map that `*` may stand behind
    std::string_view name;              // of the field that leads here
    size_t depth = 0;
  };

  bool list(const Place& place);
  bool item(Place place);
  bool step(Place& place, bool ends);
  bool everything(Place& place, bool ends);
  void enter(Place& place, const FieldPlan& plan, bool ends);
  std::string_view name();
  FieldSelection::Node& node(uint32_t index) { return selection_.nodes_[index]; }
  bool at(char c) const { return !text_.empty() && text_.front() == c; }
  bool take(char c);
  bool fail(std::string why) {
    problem_ = std::move(why);
    return false;
  }

  FieldSelection& selection_;
  std::string_view text_;
  const size_t depth_max_;
  std::string problem_;
};

namespace {

// The program of a field's values, when they have fields that can be named.
const Program* members_of(const FieldPlan& plan) {
  const FieldPlan* value = &plan;
  if (plan.shape == Shape::Map) value = &plan.message().fields()[1];
  return value->kind == Kind::Message ? &value->message() : nullptr;
}

}  // namespace

std::string SelectionParser::run(const Program& program) {
  if (!text_.empty() && program.kind() != Kind::Message) {
    fail(fmt::format("{} has no fields that could be selected", program.message().full_name));
  } else if (!text_.empty()) {
    Place root{.program = &program, .node = selection_.add_node(program)};
    selection_.all_ = false;
    if (list(root) && !text_.empty()) fail(fmt::format("\"{}\" comes unexpected", text_.front()));
  }
  return problem_;
}

bool SelectionParser::list(const Place& place) {
  do {
    if (!item(place)) return false;
  } while (take(','));
  return true;
}

bool SelectionParser::item(Place place) {
  for (;;) {
    const std::string_view rest = text_;
    const std::string_view named = name();
    if (named.empty()) return fail("the name of a field is missing");
    const bool goes_on = at('.') || at('/') || at('(');
    text_ = rest;
    if (!step(place, !goes_on)) return false;
    if (!goes_on) return true;
    if (take('(')) return list(place) && (take(')') || fail("a closing parenthesis is missing"));
    text_.remove_prefix(1);
  }
}

// Takes a name, and goes to what it names. `ends`: it is the last of its path.
bool SelectionParser::step(Place& place, bool ends) {
  const std::string_view named = name();
  if (named == "*") return everything(place, ends);
  if (place.program == nullptr)
    return fail(fmt::format("{} has no fields that could be selected", place.name));
  const FieldPlan* const plan = place.program->find(named);
  if (plan == nullptr)
    return fail(fmt::format("{} has no field \"{}\"", place.program->message().full_name, named));
  if (++place.depth > depth_max_) {
    selection_.too_deep_ = true;
    return fail(fmt::format("it is nested deeper than {} levels", depth_max_));
  }
  enter(place, *plan, ends);
  return true;
}

bool SelectionParser::everything(Place& place, bool ends) {
  if (ends) {
    // Whoever came here by a field has it whole; at the top all is asked for.
    if (!place.node) return true;
    FieldSelection::Node& all = node(*place.node);
    std::fill(all.bits_.begin(), all.bits_.end(), ~uint64_t{0});
    all.parts_.clear();
    return true;
  }
  if (place.behind == nullptr)
    return fail("\"*\" has to be the end of a path, or stand behind a list or a map");
  place.behind = nullptr;
  return true;
}

// What is asked for whole stays so.
void SelectionParser::enter(Place& place, const FieldPlan& plan, bool ends) {
  place.program = members_of(plan);
  place.behind = plan.shape == Shape::Single ? nullptr : &plan;
  place.name = plan.field->full_name;
  if (!place.node) return;
  const uint32_t parent = *std::exchange(place.node, std::nullopt);
  const bool part = !ends && place.program != nullptr;
  if (part && !node(parent).has(plan)) {
    place.node = selection_.add_node(*place.program);
    node(parent).parts_.insert(node(parent).find(plan), {plan.index, *place.node});
  } else if (const FieldSelection::Node* const known = node(parent).below(plan)) {
    if (part) {
      place.node = static_cast<uint32_t>(known - selection_.nodes_.data());
    } else {
      node(parent).parts_.erase(node(parent).find(plan));
    }
  }
  node(parent).bits_[plan.index / 64] |= uint64_t{1} << plan.index % 64;
}

std::string_view SelectionParser::name() {
  const size_t from = at('[') ? text_.find(']') : 0;
  const size_t size = std::min(text_.find_first_of(".,/()", from), text_.size());
  const std::string_view found = text_.substr(0, size);
  text_.remove_prefix(size);
  return found;
}

bool SelectionParser::take(char c) {
  if (!at(c)) return false;
  text_.remove_prefix(1);
  return true;
}

std::string FieldSelection::parse(const Program& program, std::string_view text, size_t depth_max) {
  return SelectionParser(*this, text, depth_max).run(program);
}

}  // namespace parley::wire
