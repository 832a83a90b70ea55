#include "contract/draft.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/ascii.h"

namespace parley::contract {

FieldExtras& Draft::extras_of(Field& field) {
  if (!field.extras) field.extras = new (storage->texts.allocate(sizeof(FieldExtras))) FieldExtras;
  return const_cast<FieldExtras&>(*field.extras);  // the arena's, ours to fill while we link
}

std::string_view Draft::join(std::string_view scope, std::string_view name) {
  if (scope.empty()) return storage->texts.copy(name);
  const size_t size = scope.size() + 1 + name.size();
  char* to = static_cast<char*>(storage->texts.allocate(size));
  std::memcpy(to, scope.data(), scope.size());
  to[scope.size()] = '.';
  std::memcpy(to + scope.size() + 1, name.data(), name.size());
  return {to, size};
}

const Symbol* Draft::resolve(std::string_view scope, std::string_view type_name) const {
  if (type_name.starts_with('.')) return storage->find_symbol(type_name.substr(1));
  std::string candidate;
  while (!scope.empty()) {
    candidate.assign(scope).append(1, '.').append(type_name);
    if (const Symbol* found = storage->find_symbol(candidate)) return found;
    const size_t dot = scope.rfind('.');
    scope = scope.substr(0, dot == std::string_view::npos ? 0 : dot);
  }
  return storage->find_symbol(type_name);
}

const Symbol* Draft::require(uint32_t file, std::string_view scope, std::string_view type_name,
                             std::string_view user, const Location& where) {
  const Symbol* found = resolve(scope, type_name);
  if (!found) {
    if (type_name.starts_with('.')) type_name.remove_prefix(1);
    missing_types.push_back({file, user, std::string(type_name), where});
  }
  return found;
}

bool is_identifier(std::string_view name) {
  if (name.empty() || ascii_digit(name.front())) return false;
  return std::ranges::all_of(name,
                             [](char c) { return ascii_alpha(c) || ascii_digit(c) || c == '_'; });
}

}  // namespace parley::contract
