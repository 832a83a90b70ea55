#include "door/preference.h"

#include "base/ascii.h"
#include "door/list_field.h"

namespace parley::door {
namespace {

// preference = token [ BWS "=" BWS word ] *( OWS ";" [ OWS parameter ] )
// The word of the preference `return`, without quotes; empty: it is another one.
std::string_view return_word(std::string_view preference) {
  if (!ascii_equal(take_token(preference), "return")) return {};
  preference = trim_ows(preference);
  if (!preference.starts_with('=')) return {};
  preference = trim_ows(preference.substr(1));
  if (const size_t quoted = quoted_size(preference); quoted != 0)
    return preference.substr(1, quoted - 2);
  return take_token(preference);
}

}  // namespace

bool prefers_minimal(const Fields& request) {
  std::string_view word;
  for (const Field field : request) {
    if (field.id != FieldId::Prefer) continue;
    for_each_member(field.value, [&](std::string_view preference) {
      if (word.empty()) word = return_word(preference);
    });
  }
  return ascii_equal(word, "minimal");
}

}  // namespace parley::door
