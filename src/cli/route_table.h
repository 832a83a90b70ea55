#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/snapshot.h"

namespace parley::cli {

// One way to call a method, or a method that cannot be called. The texts are the snapshot's, which
// outlives the row.
struct RouteRow {
  std::string_view verb;  // empty: not exposed
  std::string_view path;
  std::string_view method;
  std::string_view streaming;  // "unary", "server stream", "client stream", "bidi stream"
  std::string_view upstream;
  bool rest = false;  // whether the REST door serves it; gRPC serves every exposed method
  bool exposed = false;
  bool deprecated = false;
  std::string_view reason;  // why it is exposed, or not

  // What the table says beside the row: the one door that serves it, where it is only one; why it
  // is not exposed.
  std::string note() const;
};

// In the order of the upstreams, of their contracts' methods and of the methods' rules. A method
// without a rule has one row: POST /package.Service/Method. `unexposed`: those not exposed, too.
std::vector<RouteRow> route_rows(const gateway::Snapshot& snapshot, bool unexposed);

// Aligned, with a heading and a line on what is not in it.
std::string text_table(std::span<const RouteRow> rows, bool colours);
// One object a line.
std::string json_lines(std::span<const RouteRow> rows);

}  // namespace parley::cli
