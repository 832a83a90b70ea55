#include "contract/proto_compiler.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "contract/builtin_protos.h"
#include "contract/silence_protobuf.h"

namespace parley::contract {
namespace {

namespace protobuf = google::protobuf;
using protobuf::FileDescriptorProto;

constexpr std::string_view kAddFolder = "add -I with the folder that has it";

// libprotobuf's messages end with a full stop, which goes badly before a remedy.
std::string without_stop(std::string text) {
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// One file on its way.
struct Unit {
  FileDescriptorProto proto;
  protobuf::compiler::SourceLocationTable locations;
  std::vector<std::string> missing;  // imports that nobody has
  bool broken = false;               // reported; what imports it is left out silently
  const protobuf::FileDescriptor* built = nullptr;

  Location location(int line, int column) const { return {proto.name(), line + 1, column + 1}; }
};

class SyntaxErrors : public protobuf::io::ErrorCollector {
 public:
  SyntaxErrors(Unit& unit, Problems& problems) : unit_(unit), problems_(problems) {}

  void AddError(int line, int column, const std::string& message) override {
    unit_.broken = true;
    problems_.error(unit_.location(line, column), without_stop(message));
  }

 private:
  Unit& unit_;
  Problems& problems_;
};

// Errors of linking one file. Options that the pool does not know are kept apart.
class LinkErrors : public protobuf::DescriptorPool::ErrorCollector {
 public:
  struct Error {
    int line = -1;
    int column = -1;
    std::string what;
    const protobuf::Message* element = nullptr;
    bool option_name = false;
  };

  explicit LinkErrors(const Unit& unit) : unit_(unit) {}

  void AddError(const std::string&, const std::string& element_name,
                const protobuf::Message* descriptor, ErrorLocation location,
                const std::string& message) override {
    Error error{-1, -1, without_stop(message), descriptor, location == OPTION_NAME};
    if (!unit_.locations.Find(descriptor, location, &error.line, &error.column))
      unit_.locations.Find(descriptor, OTHER, &error.line, &error.column);
    if (error.line < 0) error.what = element_name + ": " + error.what;
    list.push_back(std::move(error));
  }

  std::vector<Error> list;

 private:
  const Unit& unit_;
};

// Removes the given UninterpretedOptions wherever they are in `message`; how many there were.
int remove_options(protobuf::Message& message, const std::set<const protobuf::Message*>& doomed) {
  int removed = 0;
  const auto* reflection = message.GetReflection();
  std::vector<const protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      removed += remove_options(*reflection->MutableMessage(&message, field), doomed);
      continue;
    }
    for (int i = reflection->FieldSize(message, field); i-- > 0;) {
      auto* element = reflection->MutableRepeatedMessage(&message, field, i);
      if (!doomed.contains(element)) {
        removed += remove_options(*element, doomed);
        continue;
      }
      for (int at = i; at + 1 < reflection->FieldSize(message, field); ++at)
        reflection->SwapElements(&message, field, at, at + 1);
      reflection->RemoveLast(&message, field);
      ++removed;
    }
  }
  return removed;
}

// Takes import `index` out of a file, and corrects the lists that count imports.
void remove_import(FileDescriptorProto& file, int index) {
  file.mutable_dependency()->DeleteSubrange(index, 1);
  for (auto* list : {file.mutable_public_dependency(), file.mutable_weak_dependency()}) {
    protobuf::RepeatedField<int> kept;
    for (const int each : *list)
      if (each != index) kept.Add(each > index ? each - 1 : each);
    list->Swap(&kept);
  }
}

class Compiler {
 public:
  explicit Compiler(const ReadProto& read) : read_(read) {}

  Compiled run(std::span<const std::string> names) {
    for (const std::string& name : names)
      if (!want(name))
        problems_.error({name, 0, 0}, "there is no such file", std::string(kAddFolder));
    for (size_t i = 0; i < units_.size(); ++i) follow_imports(*units_[i]);
    build_all();
    Compiled out;
    if (!problems_.failed())
      for (const auto& unit : units_) out.source.files.push_back(serialized(*unit));
    out.problems = problems_.take();
    return out;
  }

 private:
  // Adds the file of that name unless it is there; false if nobody has it.
  bool want(const std::string& name) {
    if (by_name_.contains(name)) return true;
    auto unit = std::make_unique<Unit>();
    if (const auto* builtin = builtin_descriptor(name)) {
      builtin->CopyTo(&unit->proto);
      builtin->CopyJsonNameTo(&unit->proto);
    } else if (auto text = read_(name)) {
      parse(*unit, name, *text);
    } else if (const auto embedded = builtin_text(name)) {
      parse(*unit, name, *embedded);
    } else {
      return false;
    }
    by_name_.emplace(name, unit.get());
    units_.push_back(std::move(unit));
    return true;
  }

  void parse(Unit& unit, const std::string& name, std::string_view text) {
    unit.proto.set_name(name);
    if (text.size() > INT32_MAX) {
      unit.broken = true;
      return problems_.error({name, 0, 0}, "the file is too large");
    }
    if (refuse_edition(unit, text)) return;
    SyntaxErrors errors(unit, problems_);
    protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
    protobuf::io::Tokenizer tokenizer(&stream, &errors);
    protobuf::compiler::Parser parser;
    parser.RecordErrorsTo(&errors);
    parser.RecordSourceLocationsTo(&unit.locations);
    if (!parser.Parse(&tokenizer, &unit.proto) && !unit.broken) {
      unit.broken = true;
      problems_.error({name, 0, 0}, "the file is no .proto file");
    }
    unit.proto.set_name(name);
  }

  // libprotobuf 3.21 knows no editions; their descriptors load, for the linker is our own.
  bool refuse_edition(Unit& unit, std::string_view text) {
    class Ignore : public protobuf::io::ErrorCollector {
      void AddError(int, int, const std::string&) override {}
    } ignore;
    protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
    protobuf::io::Tokenizer tokenizer(&stream, &ignore);
    if (!tokenizer.Next() || tokenizer.current().text != "edition") return false;
    const auto& token = tokenizer.current();
    problems_.error(unit.location(token.line, token.column),
                    "files with an edition cannot be compiled here",
                    "pass a descriptor set: buf build -o set.binpb, or protoc --include_imports "
                    "--descriptor_set_out=set.binpb");
    unit.broken = true;
    return true;
  }

  void follow_imports(Unit& unit) {
    for (int i = 0; i < unit.proto.dependency_size();) {
      const std::string import = unit.proto.dependency(i);
      if (want(import)) {
        ++i;
        continue;
      }
      unit.missing.push_back(import);
      remove_import(unit.proto, i);
    }
  }

  // Builds each file after those that it imports.
  void build_all() {
    std::vector<Unit*> waiting;
    for (const auto& unit : units_) waiting.push_back(unit.get());
    for (bool progress = true; progress && !waiting.empty();) {
      progress = false;
      std::vector<Unit*> later;
      for (Unit* unit : waiting) {
        if (!imports_done(*unit)) {
          later.push_back(unit);
          continue;
        }
        progress = true;
        if (imports_sound(*unit)) build(*unit);
        done_.insert(unit);
      }
      waiting = std::move(later);
    }
    for (const Unit* unit : waiting)
      problems_.error({unit->proto.name(), 0, 0}, "its imports lead back to it",
                      "break the circle");
  }

  bool imports_done(const Unit& unit) const {
    for (const std::string& import : unit.proto.dependency())
      if (!done_.contains(by_name_.at(import))) return false;
    return true;
  }

  bool imports_sound(Unit& unit) const {
    for (const std::string& import : unit.proto.dependency())
      unit.broken = unit.broken || by_name_.at(import)->broken;
    return !unit.broken;
  }

  // Options that a missing import would explain are dropped, and the file is built again.
  void build(Unit& unit) {
    for (;;) {
      LinkErrors errors(unit);
      unit.built = pool_.BuildFileCollectingErrors(unit.proto, &errors);
      if (unit.built) break;
      if (!lacks_import(unit) || !drop_unknown_options(unit, errors)) return report(unit, errors);
    }
    for (const std::string& import : unit.missing)
      problems_.warning(import_location(unit, import),
                        fmt::format("the import \"{}\" is missing", import),
                        "no type of it is needed; options that it declares have no effect");
  }

  // Whether the file or one that it imports, directly or not, lacks an import.
  bool lacks_import(const Unit& unit) const {
    std::vector<const Unit*> list = {&unit};
    std::set<const Unit*> seen = {&unit};
    while (!list.empty()) {
      const Unit* each = list.back();
      list.pop_back();
      if (!each->missing.empty()) return true;
      for (const std::string& import : each->proto.dependency())
        if (seen.insert(by_name_.at(import)).second) list.push_back(by_name_.at(import));
    }
    return false;
  }

  static bool drop_unknown_options(Unit& unit, const LinkErrors& errors) {
    std::set<const protobuf::Message*> doomed;
    for (const auto& error : errors.list)
      if (error.option_name) doomed.insert(error.element);
    return !doomed.empty() && remove_options(unit.proto, doomed) > 0;
  }

  void report(Unit& unit, const LinkErrors& errors) {
    unit.broken = true;
    std::string remedy;
    if (!unit.missing.empty())
      remedy = fmt::format("the import \"{}\" is missing: {}", fmt::join(unit.missing, "\", \""),
                           kAddFolder);
    for (const auto& error : errors.list)
      problems_.error(unit.location(error.line, error.column), error.what, remedy);
  }

  static Location import_location(const Unit& unit, const std::string& import) {
    int line = -1;
    int column = -1;
    unit.locations.FindImport(&unit.proto, import, &line, &column);
    return unit.location(line, column);
  }

  static std::string serialized(const Unit& unit) {
    FileDescriptorProto out;
    unit.built->CopyTo(&out);
    unit.built->CopyJsonNameTo(&out);
    unit.built->CopySourceCodeInfoTo(&out);
    return out.SerializePartialAsString();
  }

  const ReadProto& read_;
  Problems problems_;
  std::vector<std::unique_ptr<Unit>> units_;
  std::map<std::string, Unit*> by_name_;
  std::set<const Unit*> done_;
  protobuf::DescriptorPool pool_;
};

}  // namespace

Compiled compile_protos(std::span<const std::string> names, const ReadProto& read) {
  silence_protobuf();
  return Compiler(read).run(names);
}

}  // namespace parley::contract
