#include "config/expose.h"

#include <fmt/format.h>

namespace parley::config {

using Mode = gateway::Expose::Mode;

Read<gateway::Expose> read_expose(std::span<const std::string_view> words) {
  gateway::Expose expose;
  if (words.size() == 1 && words[0] == "all") {
    expose.mode = Mode::All;
    return expose;
  }
  if (words.size() == 1 && words[0] == "annotated") {
    expose.mode = Mode::Annotated;
    return expose;
  }
  expose.mode = Mode::Selectors;
  for (const std::string_view word : words) {
    if (word == "all" || word == "annotated") {
      return std::unexpected(Wrong{fmt::format("`{}` stands alone, without selectors", word),
                                   "write either the word or the selectors"});
    }
    Read<std::string> read = selector().read(word);
    if (!read) {
      return std::unexpected(
          Wrong{read.error().what, "write all, annotated, or selectors such as shop.v1.Orders.*"});
    }
    expose.selectors.push_back(*std::move(read));
  }
  return expose;
}

std::string show_expose(const gateway::Expose& expose) {
  switch (expose.mode) {
    case Mode::Default: return {};
    case Mode::All: return "all";
    case Mode::Annotated: return "annotated";
    case Mode::Selectors: break;
  }
  return fmt::format("{}", fmt::join(expose.selectors, ","));
}

}  // namespace parley::config
