#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/model.h"
#include "door/catalogue.h"
#include "door/request_path.h"

namespace parley::door {

// One way to a method over REST.
struct Route {
  const Exposed* exposed = nullptr;
  const contract::HttpRule* rule = nullptr;
  bool implicit = false;  // POST /package.Service/Method, not from the contract: `rule` has no path

  std::string_view template_text() const;
};

// Two routes that match the same requests. The first one stays.
struct RouteConflict {
  Route first;
  Route second;
  // "GET /v1/users/{id}: both shop.v1.Users.GetUser (users.proto:12, upstream users) and ..."
  std::string text() const;
};

struct RouteMatch {
  const Route* route = nullptr;  // nullptr: no route
  size_t end = 0;                // of the path without the verb that was matched

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

  // The route of a request; HEAD is served by GET too.
  RouteMatch match(std::string_view verb, const RequestPath& path) const;

  // The HTTP methods that this path has, as the `Allow` field lists them; empty: none.
  std::string allow(const RequestPath& path) const;
  // The same over every path.
  std::string allow_all() const;

  // In the order of the methods given: for tables of routes.
  std::span<const Route> routes() const { return routes_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kCustomVerbs = kNone - 1;  // a parent in slots_, of no node

  // A route that ends at a node.
  struct End {
    uint16_t verb = 0;    // in http_verbs_
    uint32_t custom = 0;  // the verb after the colon, counted from 1; 0: none
    uint32_t route = 0;
    uint32_t next = kNone;  // in ends_, of the same node
  };
  struct Node {
    uint32_t any = kNone;   // the child behind `*`
    uint32_t rest = kNone;  // in ends_: templates that go on with `**`
    uint32_t ends = kNone;  // in ends_: templates that stop here
  };
  // Children behind literals, and the verbs after colons: open addressing over all of them.
  struct Slot {
    uint32_t parent = kNone;  // kNone: free
    uint32_t child = 0;
    std::string_view literal;  // in the rule's template
  };
  // Which ends a search takes.
  struct Wanted {
    std::array<uint16_t, 3> verbs{};  // the first one that an end has wins
    size_t verb_count = 0;
    uint32_t custom = 0;
  };

  void add(const Route& route, const contract::PathTemplate& path,
           std::vector<RouteConflict>& conflicts);
  uint32_t& ends_of(const contract::PathTemplate& path);
  uint32_t child_for(uint32_t parent, std::string_view literal, uint32_t fresh);
  void grow_slots();
  uint16_t verb_id_for(std::string_view verb);
  Wanted wanted(std::string_view verb) const;
  const Slot* find_slot(uint32_t parent, std::string_view raw) const;
  uint32_t custom_verb(const RequestPath& path) const;
  template <typename AtEnds>
  bool walk(const RequestPath& path, size_t end, AtEnds at_ends) const;
  const Route* search(const RequestPath& path, size_t end, const Wanted& wanted) const;
  const Route* pick(uint32_t ends, const Wanted& wanted) const;
  void collect(const RequestPath& path, size_t end, uint32_t custom,
               std::vector<bool>& verbs) const;
  std::string allow_text(const std::vector<bool>& verbs) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::vector<End> ends_;
  std::vector<Slot> slots_ = std::vector<Slot>(16);  // a power of two, at most 3 of 4 taken
  size_t slots_taken_ = 0;
  uint32_t custom_count_ = 0;
  std::vector<Route> routes_;
  std::vector<std::string> http_verbs_ = {"*"};
};

}  // namespace parley::door
