#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace parley::wire {

// Checks a table of cases in src/wire/testdata: lines `SUBJECT INPUT`, each followed by a line
// `  = OUTPUT`. Empty lines and lines that start with `#` are comments. With PARLEY_UPDATE=1 in the
// environment the outputs are rewritten instead.
using TableCase = std::function<std::string(std::string_view subject, std::string_view input)>;
void check_table(const std::string& file, const TableCase& run);

// "08 96 01" to bytes and back; what is in quotes stands for itself: 0a 03 "abc".
std::string from_hex(std::string_view hex);
std::string to_hex(std::string_view bytes);

// `<e9>` in a table's text stands for that byte, for what is not UTF-8 or not visible.
std::string from_hex_escapes(std::string_view text);

}  // namespace parley::wire
