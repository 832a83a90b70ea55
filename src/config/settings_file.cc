#include "config/settings_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "config/reader.h"
#include "config/settings_keys.h"
#include "config/yaml_tree.h"

namespace parley::config {
namespace {

// At most one byte more than what is allowed: enough to see that it is too much.
std::optional<std::string> read_file(const std::string& file) {
  struct Close {
    void operator()(std::FILE* open) const { std::fclose(open); }
  };
  const std::unique_ptr<std::FILE, Close> open(std::fopen(file.c_str(), "re"));
  if (!open) return std::nullopt;
  std::string text(kFileBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), open.get()));
  if (std::ferror(open.get())) return std::nullopt;
  return text;
}

}  // namespace

void read_settings(std::string_view text, const std::string& file, gateway::Settings& settings,
                   contract::Problems& problems) {
  static const Keys<gateway::Settings> keys = settings_keys();
  const auto root = parse_yaml(text, file, problems);
  if (!root) return;
  Reader reader(file, problems);
  if (root->kind != Node::Kind::Map)
    reader.error(root->at, "the file is no mapping", "write `key: value` in each line");
  else
    read_map(reader, *root, "", keys, settings);
}

void read_settings_file(const std::string& file, gateway::Settings& settings,
                        contract::Problems& problems) {
  errno = 0;
  const auto text = read_file(file);
  if (text) return read_settings(*text, file, settings, problems);
  problems.error({file}, fmt::format("cannot be read: {}", std::strerror(errno)),
                 "correct --config");
}

}  // namespace parley::config
