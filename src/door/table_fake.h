#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/program.h"

namespace parley::door {

// A table of transcoding cases is text. Cases and comments have empty lines between them:
//
//   # a comment
//
//   GET /v1/users/7?name=x           the request line
//   accept: application/json         its fields
//   @unknown_query ignore            settings of the scene, see apply_setting in table_fake.cc
//   < {"a": 1}                       lines of the body; <hex 00 ff: bytes
//   > message {"a": 1}               what the upstream does: message JSON, hex BYTES, metadata N:
//   V, > fail NOT_FOUND no such user    trailer N: V, fail CODE MESSAGE, detail TYPE JSON = call
//   t.S.M {"a":1}             expected: the call, its metadata, the answer. PARLEY_UPDATE=1 = 200
//   rewrites these lines
struct TableBlock {
  size_t line = 0;       // of the first line, from 1
  std::string request;   // the request line; empty: a comment
  std::string input;     // the lines that PARLEY_UPDATE keeps
  std::string expected;  // the lines that begin with '='
};

std::vector<TableBlock> split_table(std::string_view text);

// Asks doors over the contract of `programs` what the case asks; what came of it, as lines "= ...".
std::string run_case(const wire::Programs& programs, const TableBlock& block);

}  // namespace parley::door
