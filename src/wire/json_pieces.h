#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/wire_to_json.h"

namespace parley::wire {

// The JSON of a message (wire_to_json.h) piece by piece, for those that are too long to be held
// whole beside their wire bytes.
class JsonPieces {
 public:
  // Program, options.selection and `wire` outlive the pieces. `only`: of that field of the message
  // alone, as wire_to_json_field; nullptr: all.
  JsonPieces(const Program& program, std::string_view wire, const JsonWriteOptions& options,
             const contract::Field* only = nullptr);
  ~JsonPieces();

  // The next piece: `bytes`, and at most one value (a string, a number) or some 100 KiB more.
  // Empty: there was no more. Failure: Reason::UpstreamMalformed, for good; what was wrong may lie
  // behind pieces that were given.
  Result<Bytes> next(size_t bytes);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace parley::wire
