#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "contract/model.h"
#include "contract/problem.h"

namespace parley::contract {

// Serialized google.protobuf.FileDescriptorProtos, in any order; a file may be there twice if it
// says the same.
struct Source {
  std::vector<std::string> files;
};

// google.api.HttpRule as a configuration writes it. What it says about a method replaces the
// method's own annotation. `selector` counts in the outermost rule only.
struct ConfiguredRule {
  std::string selector;  // the method's full name, "shop.v1.Users.GetUser"
  std::string verb;      // "GET"; "*": every verb
  std::string path;
  std::string body;
  std::string response_body;
  std::vector<ConfiguredRule> additional;  // their `additional` are errors
  // Where it was written; may be empty.
  std::string file;
  int line = 0;
  int column = 0;
};

struct LoadOptions {
  // Of several rules of one selector the last one counts (google.api.Http.rules).
  std::vector<ConfiguredRule> rules;
};

struct Loaded {
  std::optional<Contract> contract;  // none if any problem is an error
  std::vector<Problem> problems;     // all of them, not just the first
  // Which of LoadOptions.rules name no method of this contract: another upstream may have it.
  std::vector<size_t> unmatched_rules;
  // Where its files were looked for on disk, there or not: what appears, changes or goes at one of
  // them may change the contract.
  std::vector<std::string> paths;
};

// Limits of one contract; beyond them it is refused.
inline constexpr size_t kSourceBytesMax = size_t{256} << 20;
inline constexpr size_t kNameBytesMax = 1024;     // of a full name
inline constexpr size_t kSymbolsMax = 2'000'000;  // messages, fields, values, methods ... together
inline constexpr size_t kFieldsMax = 32'767;      // of a message, extensions included

// Links the files into a contract: no pool of libprotobuf's, so that editions load too.
Loaded load(Source source, const LoadOptions& options = {});

}  // namespace parley::contract
