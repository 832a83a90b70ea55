#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "contract/load.h"

namespace parley::contract {

// Contracts for tests, from the text of .proto files; the built-in imports resolve. A problem, even
// a warning, aborts the test with its text.

// One file, "test.proto".
Contract contract_from(std::string_view proto_text);

// Several files by name, which may import each other.
Contract contract_from_files(const std::map<std::string, std::string>& files,
                             const LoadOptions& options = {});

// The same, with the problems for the test to look at.
Loaded loaded_from(std::string_view proto_text, const LoadOptions& options = {});
Loaded loaded_from_files(const std::map<std::string, std::string>& files,
                         const LoadOptions& options = {});

// The serialized files, all imports included.
Source source_from_files(const std::map<std::string, std::string>& files);

}  // namespace parley::contract
