#include "gateway/contract_files.h"

#include <utility>

#include "contract/proto_files.h"

namespace parley::gateway {
namespace {

// One without a service would take all routes away from whoever empties a file by mistake.
void refuse_without_service(const UpstreamSettings& upstream, contract::Loaded& loaded) {
  if (!loaded.contract || !loaded.contract->services().empty()) return;
  loaded.contract.reset();
  contract::Problem problem;
  problem.what = "upstream " + upstream.connection.name + " has no service: nothing to serve";
  const std::string& file =
      upstream.proto.files.empty() ? upstream.descriptor_set : upstream.proto.files.front();
  if (!file.empty()) problem.remedy = "name the files that declare its services";
  loaded.problems.push_back(at_place(std::move(problem), file, upstream.file_places));
}

}  // namespace

contract::Loaded load_from_disk(const UpstreamSettings& upstream,
                                const contract::LoadOptions& options) {
  contract::Loaded loaded = upstream.descriptor_set.empty()
                                ? contract::load_proto_files(upstream.proto, options)
                                : contract::load_descriptor_set(upstream.descriptor_set, options);
  for (contract::Problem& problem : loaded.problems) {
    if (problem.line > 0 || !upstream.file_places.contains(problem.file)) continue;
    const std::string file = problem.file;
    problem.what = file + ": " + problem.what;
    problem = at_place(std::move(problem), file, upstream.file_places);
  }
  refuse_without_service(upstream, loaded);
  return loaded;
}

contract::Loaded load_told(const UpstreamSettings& upstream, contract::Source source,
                           const contract::LoadOptions& options) {
  contract::Loaded loaded = contract::load(std::move(source), options);
  refuse_without_service(upstream, loaded);
  return loaded;
}

}  // namespace parley::gateway
