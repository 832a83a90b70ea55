#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/model.h"
#include "door/catalogue.h"

namespace parley::door {

// One way to a method over REST.
struct Route {
  const Exposed* exposed = nullptr;
  const contract::HttpRule* rule = nullptr;
  bool implicit = false;  // POST /package.Service/Method, not from the contract
};

// Two routes that match the same requests. The first one stays.
struct RouteConflict {
  Route first;
  Route second;
  // "GET /v1/users/{id}: both shop.v1.Users.GetUser (users.proto:12, upstream users) and ..."
  std::string text() const;
};

// The raw path of a request, taken apart; it borrows the path. Checked before it is matched.
class RequestPath {
 public:
  // No template has more segments; what `**` takes beyond stays in one piece.
  static constexpr size_t kSegmentsMax = contract::PathTemplate::kSegmentsMax;

  // Failure: PathInvalid for a bad escape, %00, a byte that must be escaped, text that is not
  // UTF-8, and segments `.` and `..` in any spelling.
  static Result<RequestPath> parse(std::string_view raw);

  std::string_view raw() const { return raw_; }
  size_t segments() const { return count_; }  // at most kSegmentsMax + 1: that many or more
  std::string_view segment(size_t index) const;
  // From the first to the last but one segment `last`, slashes included; `open`: to the end.
  std::string_view span(size_t first, size_t last, bool open) const;

  // An empty segment, or a slash at the end: such a path matches nothing.
  bool has_empty_segment() const { return has_empty_segment_; }
  // What follows the last colon of the last segment; empty: no colon, or nothing around it.
  std::string_view verb() const { return verb_; }
  // The same path without ":verb".
  RequestPath without_verb() const;

 private:
  std::string_view raw_;
  std::array<uint32_t, kSegmentsMax + 1> begins_;  // of each segment; the first `count_` are set
  uint32_t count_ = 0;
  bool has_empty_segment_ = false;
  std::string_view verb_;
};

struct RouteMatch {
  const Route* route = nullptr;  // nullptr: no route
  bool verb_taken = false;       // the path ended in the template's verb

  // The part of `path` that a variable of the route's template binds, still escaped.
  std::string_view value(const RequestPath& path, size_t variable) const;
};

// Finds the route of a request: segment by segment from the left, a literal before `*` before
// `**`, with backtracking; a template with a verb before one without. Immutable; the exposed
// methods outlive it. One tree for all HTTP methods; a lookup allocates nothing.
class RestRouter {
 public:
  RestRouter() = default;
  RestRouter(RestRouter&&) noexcept = default;
  RestRouter& operator=(RestRouter&&) noexcept = default;

  // Every rule of the methods, and POST /package.Service/Method for all that REST could serve so.
  static RestRouter build(std::span<const Exposed* const> methods,
                          std::vector<RouteConflict>& conflicts);

  // The route of a request. HEAD is also served by GET. REQUIRES: path is not empty-segmented.
  RouteMatch match(std::string_view verb, const RequestPath& path) const;

  // The HTTP methods that this path has, as the `Allow` field lists them; empty: none.
  std::string allow(const RequestPath& path) const;
  // The same over every path.
  std::string allow_all() const;

  // In the order of the methods given: for tables of routes.
  std::span<const Route> routes() const { return routes_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // A route that ends at a node.
  struct End {
    uint16_t verb = 0;    // in http_verbs_
    uint16_t custom = 0;  // in custom_verbs_; 0: none
    uint32_t route = 0;
    uint32_t next = kNone;  // in ends_, of the same node
  };
  struct Node {
    uint32_t any = kNone;   // the child behind `*`
    uint32_t rest = kNone;  // ends_ of templates that go on with `**`
    uint32_t ends = kNone;  // ends_ of templates that stop here
    uint32_t literals = 0;  // children behind literals: in slots_
  };
  // Children behind literals: open addressing over all nodes.
  struct Slot {
    uint32_t parent = kNone;  // kNone: free
    uint32_t child = 0;
    std::string_view literal;  // in the rule's template
  };
  // Which ends a search takes.
  struct Wanted {
    std::array<uint16_t, 3> verbs{};  // the first one that an end has wins
    size_t verb_count = 0;
    uint16_t custom = 0;
  };

  void add(const Route& route, std::vector<RouteConflict>& conflicts);
  uint32_t node_of(const contract::PathTemplate& path, bool& rest);
  uint32_t child_for(uint32_t parent, std::string_view literal);
  void grow_slots();
  uint16_t verb_id_for(std::string_view verb);
  uint16_t custom_id_for(std::string_view verb);
  uint16_t verb_id(std::string_view verb) const;
  uint16_t custom_id(std::string_view verb) const;
  Wanted wanted(std::string_view verb) const;
  const Slot* find_slot(uint32_t parent, std::string_view raw) const;
  const Route* search(const RequestPath& path, const Wanted& wanted) const;
  const Route* pick(uint32_t ends, const Wanted& wanted) const;
  void collect(const RequestPath& path, uint16_t custom, std::vector<bool>& verbs) const;
  std::string allow_text(const std::vector<bool>& verbs) const;

  std::vector<Node> nodes_;
  std::vector<End> ends_;
  std::vector<Slot> slots_;  // a power of two, at most half of them taken
  size_t slots_taken_ = 0;
  std::vector<Route> routes_;
  std::vector<std::string> http_verbs_;    // [0] is "*"
  std::vector<std::string> custom_verbs_;  // [0] is "": none
  std::deque<contract::HttpRule> implicit_rules_;
};

}  // namespace parley::door
