#include "contract/contract_fake.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "contract/proto_compiler.h"

namespace parley::contract {
namespace {

Compiled compiled_from(const std::map<std::string, std::string>& files) {
  std::vector<std::string> names;
  for (const auto& [name, text] : files) names.push_back(name);
  return compile_protos(names, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = files.find(name);
    if (found == files.end()) return std::nullopt;
    return found->second;
  });
}

void demand_no_problems(const std::vector<Problem>& problems) {
  for (const Problem& problem : problems) std::fprintf(stderr, "%s\n", problem.text().c_str());
  if (!problems.empty()) std::abort();
}

}  // namespace

Contract contract_from(std::string_view proto_text) {
  return contract_from_files({{"test.proto", std::string(proto_text)}});
}

Contract contract_from_files(const std::map<std::string, std::string>& files,
                             const LoadOptions& options) {
  Loaded loaded = loaded_from_files(files, options);
  demand_no_problems(loaded.problems);
  return std::move(*loaded.contract);
}

Loaded loaded_from(std::string_view proto_text, const LoadOptions& options) {
  return loaded_from_files({{"test.proto", std::string(proto_text)}}, options);
}

Loaded loaded_from_files(const std::map<std::string, std::string>& files,
                         const LoadOptions& options) {
  Compiled compiled = compiled_from(files);
  if (has_errors(compiled.problems)) return {std::nullopt, std::move(compiled.problems), {}, {}};
  Loaded loaded = load(std::move(compiled.source), options);
  loaded.problems.insert(loaded.problems.begin(), compiled.problems.begin(),
                         compiled.problems.end());
  return loaded;
}

Source source_from_files(const std::map<std::string, std::string>& files) {
  Compiled compiled = compiled_from(files);
  demand_no_problems(compiled.problems);
  return std::move(compiled.source);
}

}  // namespace parley::contract
