#pragma once

#include <span>
#include <string_view>

#include "config/word.h"
#include "gateway/settings.h"

namespace parley::config {

// `all`, `annotated`, or selectors: what an upstream exposes.
Read<gateway::Expose> read_expose(std::span<const std::string_view> words);
std::string show_expose(const gateway::Expose& expose);

}  // namespace parley::config
