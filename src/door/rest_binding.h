#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/result.h"
#include "door/catalogue.h"
#include "door/rest_content.h"
#include "door/rest_query.h"
#include "door/rest_router.h"
#include "door/set_fields.h"
#include "wire/bound_value.h"
#include "wire/field_selection.h"
#include "wire/json_to_wire.h"
#include "wire/text_to_wire.h"
#include "wire/well_known_text.h"

namespace parley::door {

// The parameters of a query that speak of the answer, not of the request's message.
struct SystemParameters {
  bool enum_numbers = false;    // $alt=json;enum-encoding=int
  bool pretty = false;          // $prettyPrint
  wire::FieldSelection fields;  // fields, $fields
};

// Makes the wire bytes of a request's message from the path, the query and the body, as the rule
// of its route says (google/api/http.proto). What the path binds wins. Wire bytes that follow
// others are merged with them: so each part appends what it says.
//
//   bind_path() bind_query() [ bind_body() ] take()
//
// Every failure names the field, and the parameter where there is one.
class RestBinding {
 public:
  // The arena and all that `match` and `path` borrow outlive the binding.
  RestBinding(const RouteMatch& match, Arena& arena);

  Result<void> bind_path(const RequestPath& path);
  Result<void> bind_query(std::string_view query);
  // `content` is read_content's; `head` gives verb and content type.
  Result<void> bind_body(const http::RequestHead& head, const Bytes& content);
  Bytes take();

  const SystemParameters& system() const { return system_; }

 private:
  using FieldPath = SetFields::Path;
  // A Timestamp or a Duration whose fields the query sets one by one.
  struct Time {
    FieldPath path;
    wire::TimeParts parts;
  };
  // A value that the path binds: its wire form lies in leaves_.
  struct Leaf {
    FieldPath path;
    uint32_t offset = 0;
    uint32_t size = 0;
    bool repeated_by_query = false;
  };

  Result<void> bind_variable(const RequestPath& path, size_t index);
  std::string_view decoded(std::string_view raw, bool keeps_slashes) const;

  enum class SystemBit : uint8_t { Alt = 1, PrettyPrint = 2, Fields = 4 };

  Result<void> bind_parameter(const QueryParameter& parameter);
  Result<void> bind_system(const QueryParameter& parameter);
  bool first(SystemBit bit);
  Result<void> bind_selection(const QueryParameter& parameter);
  Result<void> unknown(const QueryParameter& parameter, std::string_view why) const;
  Result<FieldPath> resolve(const QueryParameter& parameter, std::string_view path,
                            std::string& why) const;
  Result<void> bind_value(FieldPath path, const QueryParameter& parameter);
  Result<void> bind_mask_path(FieldPath path, const QueryParameter& parameter);
  Result<void> check_time(FieldPath path, std::string_view leaf, const QueryParameter& parameter);
  Result<void> bind_map_entry(FieldPath path, std::string_view key,
                              const QueryParameter& parameter);
  Result<void> claim(FieldPath path, const QueryParameter& parameter, std::string_view key = {});
  Leaf* bound_leaf(FieldPath path);
  Result<void> compare_bound(Leaf& leaf, const QueryParameter& parameter);
  wire::TextOptions text_options(FieldPath path, const QueryParameter& parameter) const;

  Result<void> bind_json(const http::RequestHead& head, const Bytes& content);
  const contract::Field* rival_of(const contract::Field& field) const;
  void bind_plain(const http::RequestHead& head, const Bytes& content);
  std::span<const wire::BoundValue> bound_values(size_t dropped) const;
  const contract::Field* inferred_mask(const http::RequestHead& head) const;
  Result<void> infer_mask(const contract::Field& mask, const Bytes& content);
  wire::JsonReadOptions json_options(std::span<const wire::BoundValue> bound) const;
  wire::JsonReadOptions json_options_below(FieldPath path) const;

  std::string_view leaf_text(const Leaf& leaf) const {
    return leaves_.view().substr(leaf.offset, leaf.size);
  }

  const Exposed& exposed_;
  const contract::HttpRule& rule_;
  const RouteMatch& match_;
  Arena& arena_;
  SystemParameters system_;
  SetFields set_;
  std::vector<Time> times_;
  std::span<Leaf> bound_;  // in the arena
  uint8_t system_seen_ = 0;
  ByteBuffer leaves_;
  ByteBuffer out_;  // what query and body say
};

}  // namespace parley::door
