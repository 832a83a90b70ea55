#pragma once

#include <string>

namespace parley::config {

// The table of keys for docs/reference/config.md, in Markdown.
std::string reference();

}  // namespace parley::config
