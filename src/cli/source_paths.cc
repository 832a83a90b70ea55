#include "cli/source_paths.h"

#include <filesystem>
#include <set>
#include <string>

namespace parley::cli {
namespace {

using Path = std::filesystem::path;

bool is_there(const Path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// Where imports are searched for: the include folders, and those of the files themselves.
std::set<Path> folders_of(const std::vector<gateway::UpstreamSettings>& upstreams) {
  std::set<Path> folders;
  for (const gateway::UpstreamSettings& upstream : upstreams) {
    for (const std::string& folder : upstream.proto.includes)
      folders.insert(Path(folder).lexically_normal());
    for (const std::string& file : upstream.proto.files)
      folders.insert(Path(file).lexically_normal().parent_path());
  }
  return folders;
}

}  // namespace

void place_on_disk(std::span<contract::Problem> problems,
                   const std::vector<gateway::UpstreamSettings>& upstreams) {
  const std::set<Path> folders = folders_of(upstreams);
  for (contract::Problem& problem : problems) {
    if (problem.file.empty() || is_there(problem.file)) continue;
    std::set<Path> found;
    for (const Path& folder : folders) {
      if (Path path = folder / problem.file; is_there(path)) found.insert(path.lexically_normal());
    }
    if (found.size() == 1) problem.file = found.begin()->string();
  }
}

}  // namespace parley::cli
