#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "contract/problem.h"

namespace parley::cli {

enum class Colour : uint8_t { Bold, Dim };

// `text` between the sequences of a colour (ECMA-48, SGR), if colours are wanted.
std::string coloured(Colour colour, std::string_view text, bool wanted);

// Whether colours are wanted on standard output: it is a terminal, and the environment says neither
// NO_COLOR nor TERM=dumb.
bool colours_on_output();

// Whole, and at once: standard output is also where the access log goes, by descriptor.
void print(std::string_view text);
void complain(std::string_view text);  // to standard error

// A problem a line; warnings say that they are.
std::string text_of(std::span<const contract::Problem> problems);

}  // namespace parley::cli
