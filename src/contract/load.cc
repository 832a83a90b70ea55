#include "contract/load.h"

#include <algorithm>
#include <utility>

#include <xxhash.h>

#include "contract/draft.h"

namespace parley::contract {
namespace {

void hash_text(XXH3_state_t* state, std::string_view text) {
  const uint64_t size = text.size();
  XXH3_128bits_update(state, &size, sizeof size);
  XXH3_128bits_update(state, text.data(), text.size());
}

void hash_rule(XXH3_state_t* state, const ConfiguredRule& rule) {
  for (const std::string* text :
       {&rule.selector, &rule.verb, &rule.path, &rule.body, &rule.response_body})
    hash_text(state, *text);
  for (const ConfiguredRule& each : rule.additional) hash_rule(state, each);
}

// Of the files whatever their order, and of the rules that the contract took.
std::array<uint64_t, 2> fingerprint_of(const Contract::Storage& storage,
                                       const std::vector<ConfiguredRule>& rules,
                                       const std::vector<size_t>& unmatched) {
  std::vector<std::string_view> descriptors;
  for (const File& file : storage.files) descriptors.push_back(file.descriptor);
  std::ranges::sort(descriptors);
  XXH3_state_t* state = XXH3_createState();
  XXH3_128bits_reset(state);
  for (const std::string_view descriptor : descriptors) hash_text(state, descriptor);
  for (size_t i = 0; i < rules.size(); ++i)
    if (std::ranges::find(unmatched, i) == unmatched.end()) hash_rule(state, rules[i]);
  const XXH128_hash_t hash = XXH3_128bits_digest(state);
  XXH3_freeState(state);
  return {hash.low64, hash.high64};
}

}  // namespace

Loaded load(Source source, const LoadOptions& options) {
  Draft draft;
  Loaded out;
  parse_files(draft, std::move(source));
  const bool parsed = !draft.problems.failed();
  if (parsed) declare_symbols(draft);
  if (parsed && !draft.unusable) {
    attach_extensions(draft);
    fill_members(draft);
    place_locations(draft);
    link_fields(draft);
    index_members(draft);
    recognise_well_known(draft);
    link_services(draft);
    report_missing(draft);
    out.unmatched_rules = bind_http_rules(draft, options.rules);
  }
  if (!draft.problems.failed()) {
    draft.storage->fingerprint = fingerprint_of(*draft.storage, options.rules, out.unmatched_rules);
    out.contract.emplace(std::move(draft.storage));
  }
  out.problems = draft.problems.take();
  return out;
}

}  // namespace parley::contract
