#include "config/nearest.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/ascii.h"

namespace parley::config {
namespace {

// Longer texts are no misspelt names.
constexpr size_t kNameBytesMax = 64;

bool same_letter(char a, char b) {
  if (a == '-') a = '_';
  if (b == '-') b = '_';
  return ascii_lower(a) == ascii_lower(b);
}

// How many letters to insert, remove, replace or swap with their neighbour to turn one into the
// other (optimal string alignment).
size_t distance(std::string_view a, std::string_view b) {
  const size_t width = b.size() + 1;
  std::vector<size_t> cells((a.size() + 1) * width);
  const auto at = [&](size_t i, size_t j) -> size_t& { return cells[i * width + j]; };
  for (size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = same_letter(a[i - 1], b[j - 1]) ? 0 : 1;
      size_t least = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + replace});
      const bool swapped =
          i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]);
      if (swapped) least = std::min(least, at(i - 2, j - 2) + 1);
      at(i, j) = least;
    }
  }
  return at(a.size(), b.size());
}

// The name with the least distance, if it is small for the length; `cut`: of which only as much
// counts as was written.
std::string_view closest(std::string_view wrong, std::span<const std::string_view> names,
                         bool cut) {
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, wrong.size() / 3) + 1;
  for (const std::string_view name : names) {
    if (name.size() > kNameBytesMax) continue;
    const size_t letters = distance(wrong, cut ? name.substr(0, wrong.size() + 1) : name);
    if (letters >= best_distance) continue;
    best = name;
    best_distance = letters;
  }
  return best;
}

}  // namespace

std::string_view nearest(std::string_view wrong, std::span<const std::string_view> names) {
  constexpr size_t kCutBytesMin = 4;  // less begins too many names
  if (wrong.empty() || wrong.size() > kNameBytesMax) return {};
  const std::string_view whole = closest(wrong, names, false);
  return whole.empty() && wrong.size() >= kCutBytesMin ? closest(wrong, names, true) : whole;
}

std::string suggestion(std::string_view wrong, std::span<const std::string_view> names) {
  const std::string_view near = nearest(wrong, names);
  if (!near.empty()) return fmt::format("did you mean `{}`?", near);
  return names.empty() ? std::string() : "one of " + joined(names);
}

std::string joined(std::span<const std::string_view> names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace parley::config
