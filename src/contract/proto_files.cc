#include "contract/proto_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "contract/wire_fields.h"

namespace parley::contract {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHowToMakeOne =
    "make one with buf build -o FILE, or protoc --include_imports --descriptor_set_out=FILE";

struct Content {
  std::string bytes;
  std::string problem;  // why there are none; empty: there are
};

Content read_file(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {{}, "it is a folder"};
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return {{}, std::strerror(errno ? errno : ENOENT)};
  const auto size = fs::file_size(path, error);
  if (!error && size > kFileBytesMax)
    return {{}, fmt::format("it has {} bytes, more than {}", size, kFileBytesMax)};
  Content out;
  if (!error) {
    out.bytes.resize(size);
    stream.read(out.bytes.data(), static_cast<std::streamsize>(size));
    out.bytes.resize(static_cast<size_t>(stream.gcount()));
    stream.clear(stream.rdstate() & std::ios::badbit);
  }
  // What has no size, such as a pipe, and what has grown meanwhile.
  out.bytes.append(std::istreambuf_iterator<char>(stream), {});
  if (stream.bad()) out.problem = "it cannot be read";
  return out;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error) && !fs::is_directory(path, error);
}

// Absolute, without "." and "..", so that paths of different spelling compare.
fs::path normal(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path.empty() ? "." : path, error);
  fs::path out = (error ? path : absolute).lexically_normal();
  return out.has_filename() ? out : out.parent_path();
}

// `path` as seen from `folder`; empty: it is not below it.
std::string below(const fs::path& path, const fs::path& folder) {
  const fs::path relative = normal(path).lexically_relative(normal(folder));
  if (relative.empty() || *relative.begin() == "..") return {};
  return relative.generic_string();
}

// The files of some include folders, by the names that imports use.
class Includes {
 public:
  explicit Includes(const std::vector<std::string>& folders)
      : folders_(folders.begin(), folders.end()) {}

  // The import name of a file that the user named: a path below an include folder, a name within
  // one, or a path whose own folder becomes one.
  std::string name_of(const std::string& file) {
    looked_for(file);
    if (!is_file(file)) return file;
    for (const fs::path& folder : folders_)
      if (std::string name = below(file, folder); !name.empty()) return name;
    folders_.push_back(normal(file).parent_path());
    return fs::path(file).filename().generic_string();
  }

  std::optional<std::string> read(const std::string& name, Problems& problems) {
    for (const fs::path& folder : folders_) {
      looked_for(folder / name);
      if (!is_file(folder / name)) continue;
      Content content = read_file(folder / name);
      if (!content.problem.empty())
        problems.error({name, 0, 0}, "the file cannot be read: " + content.problem);
      return std::move(content.bytes);
    }
    return std::nullopt;
  }

  // All that were looked for.
  std::vector<std::string> paths() const { return {paths_.begin(), paths_.end()}; }

 private:
  void looked_for(const fs::path& path) { paths_.insert(path.lexically_normal().string()); }

  std::vector<fs::path> folders_;
  std::set<std::string> paths_;
};

void check_folders(const std::vector<std::string>& folders, Problems& problems) {
  for (const std::string& folder : folders) {
    std::error_code error;
    if (!fs::is_directory(folder, error))
      problems.warning({folder, 0, 0}, "there is no such folder to include from",
                       "correct or leave out -I");
  }
}

Loaded load_compiled(Compiled compiled, const LoadOptions& options) {
  if (has_errors(compiled.problems))
    return {std::nullopt, std::move(compiled.problems), {}, std::move(compiled.paths)};
  Loaded loaded = load(std::move(compiled.source), options);
  loaded.problems.insert(loaded.problems.begin(),
                         std::make_move_iterator(compiled.problems.begin()),
                         std::make_move_iterator(compiled.problems.end()));
  loaded.paths = std::move(compiled.paths);
  return loaded;
}

}  // namespace

Compiled read_proto_files(const ProtoFiles& files) {
  Problems problems;
  check_folders(files.includes, problems);
  Includes includes(files.includes);
  std::vector<std::string> names;
  for (const std::string& file : files.files) {
    std::string name = includes.name_of(file);
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  Compiled out =
      compile_protos(names, [&](const std::string& name) { return includes.read(name, problems); });
  if (problems.failed()) out.source = {};
  out.paths = includes.paths();
  auto own = problems.take();
  out.problems.insert(out.problems.begin(), std::make_move_iterator(own.begin()),
                      std::make_move_iterator(own.end()));
  return out;
}

Compiled split_descriptor_set(std::string_view bytes, std::string_view name) {
  constexpr uint32_t kFile = 1;  // FileDescriptorSet.file
  Problems problems;
  Compiled out;
  WireFields fields(bytes);
  while (fields.next())
    if (fields.number() == kFile && fields.is_bytes())
      out.source.files.emplace_back(fields.bytes());
  if (fields.malformed() || out.source.files.empty()) {
    problems.error({name, 0, 0}, "this is no descriptor set", std::string(kHowToMakeOne));
    out.source = {};
  }
  out.problems = problems.take();
  return out;
}

Compiled read_descriptor_set(const std::string& path) {
  const Content content = read_file(path);
  if (content.problem.empty()) {
    Compiled out = split_descriptor_set(content.bytes, path);
    out.paths = {path};
    return out;
  }
  Problems problems;
  problems.error({path, 0, 0}, "the descriptor set cannot be read: " + content.problem,
                 std::string(kHowToMakeOne));
  return {{}, problems.take(), {path}};
}

Loaded load_proto_files(const ProtoFiles& files, const LoadOptions& options) {
  return load_compiled(read_proto_files(files), options);
}

Loaded load_descriptor_set(const std::string& path, const LoadOptions& options) {
  return load_compiled(read_descriptor_set(path), options);
}

}  // namespace parley::contract
