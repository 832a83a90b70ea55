#include "door/rest_router.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/assert.h"

namespace parley::door {
namespace {

using contract::HttpRule;
using contract::PathTemplate;

// POST /package.Service/Method: the same rule for all methods, but for its path.
constexpr HttpRule implicit_rule() {
  HttpRule rule;
  rule.verb = "POST";
  rule.body = "*";
  return rule;
}
constexpr HttpRule kImplicitRule = implicit_rule();

constexpr std::string_view kUsualVerbs[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

// Multiplies and folds eight bytes at a time; the parent seeds it, so that equal literals of
// several nodes spread. Text in one piece and the same text byte by byte hash alike.
class Hash {
 public:
  explicit Hash(uint32_t seed) : value_(seed + kSeed) {}

  void add(char c) {
    word_ |= static_cast<uint64_t>(static_cast<unsigned char>(c)) << (size_ % 8 * 8);
    if (++size_ % 8 == 0) mix(std::exchange(word_, 0));
  }
  // REQUIRES: nothing was added yet.
  void add(std::string_view text) {
    size_ = text.size();
    for (; text.size() >= 8; text.remove_prefix(8)) mix(load(text.data(), 8));
    word_ = load(text.data(), text.size());
  }
  size_t value() {
    mix(word_ ^ size_ << 56);
    return value_;
  }

 private:
  static constexpr uint64_t kSeed = 0x9E3779B97F4A7C15u;
  static constexpr uint64_t kFactor = 0xD6E8FEB86659FD93u;

  static uint64_t load(const char* at, size_t size) {
    uint64_t word = 0;
    if (size == 8) {
      std::memcpy(&word, at, 8);  // little-endian, as the loop below
      return word;
    }
    for (size_t i = 0; i < size; ++i)
      word |= static_cast<uint64_t>(static_cast<unsigned char>(at[i])) << (i * 8);
    return word;
  }
  void mix(uint64_t word) {
    const auto product = static_cast<unsigned __int128>(value_ ^ word) * kFactor;
    value_ = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }

  uint64_t value_;
  uint64_t word_ = 0;
  uint64_t size_ = 0;
};

size_t hash_of(uint32_t parent, std::string_view literal) {
  Hash hash(parent);
  hash.add(literal);
  return hash.value();
}

// The bytes of a checked segment, decoded one by one.
class Decoded {
 public:
  explicit Decoded(std::string_view raw) : raw_(raw) {}
  bool at_end() const { return raw_.empty(); }
  char next() {
    const char c = raw_[0];
    if (c != '%') {
      raw_.remove_prefix(1);
      return c;
    }
    const int byte = hex_digit(raw_[1]) * 16 + hex_digit(raw_[2]);
    raw_.remove_prefix(3);
    return static_cast<char>(byte);
  }

 private:
  std::string_view raw_;
};

bool decodes_to(std::string_view raw, std::string_view literal) {
  if (raw.size() < literal.size()) return false;
  Decoded decoded(raw);
  for (const char c : literal) {
    if (decoded.at_end() || decoded.next() != c) return false;
  }
  return decoded.at_end();
}

std::string described(const Route& route) {
  const contract::Method& method = *route.exposed->method;
  const contract::Location& where =
      route.rule->location.line > 0 ? route.rule->location : method.location;
  std::string text(method.full_name);
  text += " (";
  if (!where.file.empty()) text += where.file;
  if (where.line > 0) text += fmt::format(":{}", where.line);
  if (!where.file.empty()) text += ", ";
  text += fmt::format("upstream {})", route.exposed->upstream);
  return text;
}

}  // namespace

std::string_view Route::template_text() const {
  return implicit ? exposed->method->path : rule->path.text;
}

std::string RouteConflict::text() const {
  return fmt::format("{} {}: both {} and {}", second.rule->verb, second.template_text(),
                     described(first), described(second));
}

std::string_view RouteMatch::value(const RequestPath& path, size_t variable) const {
  const PathTemplate& wanted = route->rule->path;
  const PathTemplate::Variable& bound = wanted.variables[variable];
  const bool open = wanted.segments[bound.last - 1u].kind == PathTemplate::Kind::Rest;
  return path.span(bound.first, bound.last, open, end);
}

RestRouter RestRouter::build(std::span<const Exposed* const> methods,
                             std::vector<RouteConflict>& conflicts) {
  RestRouter router;
  size_t routes = methods.size();
  for (const Exposed* exposed : methods) routes += exposed->method->rules.size();
  router.routes_.reserve(routes);
  router.ends_.reserve(routes);
  for (const Exposed* exposed : methods) {
    for (const HttpRule& rule : exposed->method->rules)
      router.add({exposed, &rule}, rule.path, conflicts);
  }
  for (const Exposed* exposed : methods) {
    const contract::Method& method = *exposed->method;
    if (method.server_streaming && !method.client_streaming) continue;
    // Names of services and methods are identifiers: there is nothing to parse.
    const PathTemplate::Segment names[] = {{PathTemplate::Kind::Literal, method.service->full_name},
                                           {PathTemplate::Kind::Literal, method.name}};
    router.add({exposed, &kImplicitRule, true}, {.segments = names}, conflicts);
  }
  router.nodes_.shrink_to_fit();
  return router;
}

void RestRouter::add(const Route& route, const PathTemplate& path,
                     std::vector<RouteConflict>& conflicts) {
  const uint16_t verb = verb_id_for(route.rule->verb);
  const std::string_view after_colon = path.verb;
  uint32_t custom = 0;
  if (!after_colon.empty()) {
    custom = child_for(kCustomVerbs, after_colon, custom_count_ + 1);
    custom_count_ = std::max(custom_count_, custom);
  }
  uint32_t& ends = ends_of(path);
  for (uint32_t at = ends; at != kNone; at = ends_[at].next) {
    if (ends_[at].verb != verb || ends_[at].custom != custom) continue;
    const Route& first = routes_[ends_[at].route];
    if (!route.implicit || first.exposed != route.exposed) conflicts.push_back({first, route});
    return;
  }
  ends_.push_back({verb, custom, static_cast<uint32_t>(routes_.size()), ends});
  ends = static_cast<uint32_t>(ends_.size() - 1);
  routes_.push_back(route);
}

// Where the routes of a template hang; the nodes that lead there are made.
uint32_t& RestRouter::ends_of(const PathTemplate& path) {
  uint32_t node = 0;
  for (const PathTemplate::Segment& segment : path.segments) {
    if (segment.kind == PathTemplate::Kind::Rest) return nodes_[node].rest;
    const auto fresh = static_cast<uint32_t>(nodes_.size());
    uint32_t child = fresh;
    if (segment.kind == PathTemplate::Kind::Literal) {
      child = child_for(node, segment.literal, fresh);
    } else if (nodes_[node].any != kNone) {
      child = nodes_[node].any;
    } else {
      nodes_[node].any = fresh;
    }
    if (child == fresh) nodes_.emplace_back();
    node = child;
  }
  return nodes_[node].ends;
}

// What stands behind a literal; `fresh`, if nothing did.
uint32_t RestRouter::child_for(uint32_t parent, std::string_view literal, uint32_t fresh) {
  if (slots_taken_ * 4 >= slots_.size() * 3) grow_slots();
  const size_t mask = slots_.size() - 1;
  size_t at = hash_of(parent, literal) & mask;
  for (; slots_[at].parent != kNone; at = (at + 1) & mask) {
    if (slots_[at].parent == parent && slots_[at].literal == literal) return slots_[at].child;
  }
  slots_[at] = {parent, fresh, literal};
  ++slots_taken_;
  return fresh;
}

void RestRouter::grow_slots() {
  std::vector<Slot> grown(slots_.size() * 2);
  const size_t mask = grown.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.parent == kNone) continue;
    size_t at = hash_of(slot.parent, slot.literal) & mask;
    while (grown[at].parent != kNone) at = (at + 1) & mask;
    grown[at] = slot;
  }
  slots_ = std::move(grown);
}

const RestRouter::Slot* RestRouter::find_slot(uint32_t parent, std::string_view raw) const {
  Hash hash(parent);
  const bool escaped = raw.find('%') != std::string_view::npos;
  if (escaped) {
    for (Decoded decoded(raw); !decoded.at_end();) hash.add(decoded.next());
  } else {
    hash.add(raw);
  }
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash.value() & mask; slots_[at].parent != kNone; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.parent != parent) continue;
    if (escaped ? decodes_to(raw, slot.literal) : raw == slot.literal) return &slot;
  }
  return nullptr;
}

uint16_t RestRouter::verb_id_for(std::string_view verb) {
  const auto found = std::find(http_verbs_.begin(), http_verbs_.end(), verb);
  if (found != http_verbs_.end()) return static_cast<uint16_t>(found - http_verbs_.begin());
  http_verbs_.emplace_back(verb);
  return static_cast<uint16_t>(http_verbs_.size() - 1);
}

RestRouter::Wanted RestRouter::wanted(std::string_view verb) const {
  Wanted result;
  const auto want = [&](std::string_view name) {
    const auto found = std::find(http_verbs_.begin(), http_verbs_.end(), name);
    if (found != http_verbs_.end())
      result.verbs[result.verb_count++] = static_cast<uint16_t>(found - http_verbs_.begin());
  };
  if (verb != "*") want(verb);
  if (verb == "HEAD") want("GET");
  if (verb != "OPTIONS") want("*");  // OPTIONS asks what there is, unless a rule names it
  return result;
}

// The id of the verb after the path's last colon; 0: no template has it.
uint32_t RestRouter::custom_verb(const RequestPath& path) const {
  if (path.verb().empty() || path.verb().find('%') != std::string_view::npos) return 0;
  const Slot* const slot = find_slot(kCustomVerbs, path.verb());
  return slot != nullptr ? slot->child : 0;
}

RouteMatch RestRouter::match(std::string_view verb, const RequestPath& path) const {
  if (path.has_empty_segment()) return {};
  Wanted want = wanted(verb);
  if (want.verb_count == 0) return {};
  if (const uint32_t custom = custom_verb(path); custom != 0) {
    const size_t end = path.raw().size() - path.verb().size() - 1;
    want.custom = custom;
    if (const Route* const route = search(path, end, want)) return {route, end};
    want.custom = 0;
  }
  return {search(path, path.raw().size(), want), path.raw().size()};
}

// A walk over the tree from the left with the alternatives on a stack: each node has its depth,
// so none is visited twice.
template <typename AtEnds>
bool RestRouter::walk(const RequestPath& path, size_t end, AtEnds at_ends) const {
  struct Step {
    uint32_t at;  // a node, or with `rest` in ends_
    uint16_t depth;
    bool rest;
  };
  std::array<Step, 3 * (RequestPath::kSegmentsMax + 2)> stack;
  size_t size = 0;
  stack[size++] = {0, 0, false};
  while (size > 0) {
    const Step step = stack[--size];
    if (step.rest) {
      if (at_ends(step.at)) return true;
      continue;
    }
    const Node& node = nodes_[step.at];
    if (node.rest != kNone) stack[size++] = {node.rest, 0, true};
    if (step.depth == path.segments()) {
      if (node.ends != kNone && at_ends(node.ends)) return true;
      continue;
    }
    const auto deeper = static_cast<uint16_t>(step.depth + 1);
    if (node.any != kNone) stack[size++] = {node.any, deeper, false};
    if (const Slot* const slot = find_slot(step.at, path.segment(step.depth, end)))
      stack[size++] = {slot->child, deeper, false};
  }
  return false;
}

const Route* RestRouter::search(const RequestPath& path, size_t end, const Wanted& wanted) const {
  const Route* found = nullptr;
  walk(path, end, [&](uint32_t ends) {
    found = pick(ends, wanted);
    return found != nullptr;
  });
  return found;
}

const Route* RestRouter::pick(uint32_t ends, const Wanted& wanted) const {
  const Route* found = nullptr;
  size_t rank = wanted.verb_count;
  for (uint32_t at = ends; at != kNone; at = ends_[at].next) {
    if (ends_[at].custom != wanted.custom) continue;
    for (size_t i = 0; i < rank; ++i) {
      if (ends_[at].verb != wanted.verbs[i]) continue;
      found = &routes_[ends_[at].route];
      rank = i;
    }
  }
  return found;
}

void RestRouter::collect(const RequestPath& path, size_t end, uint32_t custom,
                         std::vector<bool>& verbs) const {
  walk(path, end, [&](uint32_t ends) {
    for (uint32_t at = ends; at != kNone; at = ends_[at].next) {
      if (ends_[at].custom == custom) verbs[ends_[at].verb] = true;
    }
    return false;
  });
}

std::string RestRouter::allow(const RequestPath& path) const {
  if (path.has_empty_segment()) return {};
  std::vector<bool> verbs(http_verbs_.size());
  if (const uint32_t custom = custom_verb(path); custom != 0)
    collect(path, path.raw().size() - path.verb().size() - 1, custom, verbs);
  collect(path, path.raw().size(), 0, verbs);
  return allow_text(verbs);
}

std::string RestRouter::allow_all() const {
  std::vector<bool> verbs(http_verbs_.size());
  for (const End& end : ends_) verbs[end.verb] = true;
  return allow_text(verbs);
}

std::string RestRouter::allow_text(const std::vector<bool>& verbs) const {
  if (std::find(verbs.begin(), verbs.end(), true) == verbs.end()) return {};
  const auto has = [&](std::string_view verb) {
    const auto found = std::find(http_verbs_.begin(), http_verbs_.end(), verb);
    return found != http_verbs_.end() && verbs[static_cast<size_t>(found - http_verbs_.begin())];
  };
  std::string text;
  for (const std::string_view verb : kUsualVerbs) {
    if (verbs[0] || has(verb) || (verb == "HEAD" && has("GET"))) text += fmt::format("{}, ", verb);
  }
  for (size_t i = 1; i < verbs.size(); ++i) {
    const auto usual = std::find(std::begin(kUsualVerbs), std::end(kUsualVerbs), http_verbs_[i]);
    if (verbs[i] && usual == std::end(kUsualVerbs) && http_verbs_[i] != "OPTIONS")
      text += fmt::format("{}, ", http_verbs_[i]);
  }
  return text + "OPTIONS";
}

}  // namespace parley::door
