#include "gateway/place.h"

namespace parley::gateway {

contract::Problem at_place(contract::Problem problem, const std::string& path,
                           const FilePlaces& places) {
  const auto found = places.find(path);
  if (found == places.end()) return problem;
  problem.file = found->second.file;
  problem.line = found->second.line;
  problem.column = found->second.column;
  return problem;
}

}  // namespace parley::gateway
