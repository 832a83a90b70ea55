#pragma once

#include <map>
#include <string>

#include "contract/problem.h"

namespace parley::gateway {

// Where a setting stands in its file, for what turns out to be wrong with it later. Without a file:
// a flag says it, or nobody.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;

  contract::Location location() const { return {file, line, column}; }
};

// Where settings name files, by the path of each.
using FilePlaces = std::map<std::string, Place>;

// A problem with the file at `path`, where the settings name it; as it is where nobody knows that.
contract::Problem at_place(contract::Problem problem, const std::string& path,
                           const FilePlaces& places);

}  // namespace parley::gateway
