#include "cli/route_table.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/terminal.h"

namespace parley::cli {
namespace {

constexpr size_t kColumns = 6;
constexpr std::array<std::string_view, kColumns> kHeadings = {"VERB", "TEMPLATE", "METHOD",
                                                              "KIND", "UPSTREAM", ""};
using Cells = std::array<std::string_view, kColumns>;

std::string_view streaming_of(const contract::Method& method) {
  if (method.client_streaming) return method.server_streaming ? "bidi stream" : "client stream";
  return method.server_streaming ? "server stream" : "unary";
}

RouteRow row_of(const gateway::Exposure& exposure) {
  RouteRow row;
  row.method = exposure.method->full_name;
  row.streaming = streaming_of(*exposure.method);
  row.upstream = exposure.upstream;
  row.exposed = exposure.exposed;
  row.deprecated = exposure.method->deprecated;
  row.reason = exposure.reason;
  return row;
}

// REST serves what streams no requests: by its rules, and unary methods by their gRPC path, too.
void add_rows(const gateway::Exposure& exposure, std::vector<RouteRow>& rows) {
  const contract::Method& method = *exposure.method;
  RouteRow row = row_of(exposure);
  if (!exposure.exposed) {
    rows.push_back(row);
    return;
  }
  row.rest = !method.client_streaming;
  if (row.rest) {
    for (const contract::HttpRule& rule : method.rules) {
      row.verb = rule.verb;
      row.path = rule.path.text;
      rows.push_back(row);
    }
    if (!method.rules.empty()) return;
  }
  row.verb = "POST";
  row.path = method.path;
  row.rest = method.unary();
  rows.push_back(row);
}

std::string_view or_dash(std::string_view text) { return text.empty() ? "-" : text; }

Cells cells_of(const RouteRow& row, std::string_view note) {
  return {or_dash(row.verb), or_dash(row.path), row.method, row.streaming, row.upstream, note};
}

std::string line_of(const Cells& cells, const std::array<size_t, kColumns>& widths) {
  std::string line;
  for (size_t i = 0; i < kColumns; ++i) {
    if (i > 0) line += "  ";
    line += fmt::format("{:<{}}", cells[i], widths[i]);
  }
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return "\"" + out + "\"";
}

}  // namespace

std::string RouteRow::note() const {
  std::string text;
  if (!exposed)
    text.append("not exposed: ").append(reason);
  else if (!rest)
    text = "gRPC only";
  if (deprecated) text += text.empty() ? "deprecated" : ", deprecated";
  return text;
}

std::vector<RouteRow> route_rows(const gateway::Snapshot& snapshot, bool unexposed) {
  std::vector<RouteRow> rows;
  for (const gateway::Exposure& exposure : snapshot.exposures()) {
    if (exposure.exposed || unexposed) add_rows(exposure, rows);
  }
  return rows;
}

std::string text_table(std::span<const RouteRow> rows, bool colours) {
  std::array<size_t, kColumns> widths{};
  std::vector<std::string> notes;
  for (size_t i = 0; i < kColumns; ++i) widths[i] = kHeadings[i].size();
  for (const RouteRow& row : rows) notes.push_back(row.note());
  for (size_t r = 0; r < rows.size(); ++r) {
    const Cells cells = cells_of(rows[r], notes[r]);
    for (size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  std::string text = coloured(Colour::Bold, line_of(kHeadings, widths), colours) + "\n";
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::string line = line_of(cells_of(rows[r], notes[r]), widths);
    text += (rows[r].exposed ? line : coloured(Colour::Dim, line, colours)) + "\n";
  }
  return text +
         "gRPC serves all of them at /package.Service/Method; REST serves unary methods there, "
         "too\n";
}

std::string json_lines(std::span<const RouteRow> rows) {
  std::string text;
  for (const RouteRow& row : rows) {
    text += fmt::format(
        R"({{"verb":{},"template":{},"method":{},"streaming":{},"upstream":{},"exposed":{},)"
        R"("reason":{},"doors":[{}],"deprecated":{}}})"
        "\n",
        quoted(row.verb), quoted(row.path), quoted(row.method), quoted(row.streaming),
        quoted(row.upstream), row.exposed, quoted(row.reason),
        !row.exposed ? ""
        : row.rest   ? R"("rest","grpc")"
                     : R"("grpc")",
        row.deprecated);
  }
  return text;
}

}  // namespace parley::cli
