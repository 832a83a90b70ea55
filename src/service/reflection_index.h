#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/model.h"

namespace parley::service {

// A file as reflection shows it.
struct ShownFile {
  std::string_view name;
  std::string_view descriptor;  // FileDescriptorProto without what is not exposed
  std::vector<const ShownFile*> imports;
};

// What reflection shows of some contracts: the exposed services and methods, the files that declare
// them, what those import, and the files that extend their messages. Other services in these files
// are cut out, and source code info is. Built once for each snapshot, its files when they are first
// asked for; shared by every shard. The contracts outlive it.
class ReflectionIndex {
 public:
  using IsExposed = std::function<bool(const contract::Method&)>;

  ReflectionIndex();
  ~ReflectionIndex();
  ReflectionIndex(const ReflectionIndex&) = delete;
  ReflectionIndex& operator=(const ReflectionIndex&) = delete;

  // Where several contracts declare the same name, the one that was added first counts.
  void add(const contract::Contract& contract, const IsExposed& exposed);

  // The exposed services' full names, sorted.
  std::span<const std::string_view> services() const { return services_; }

  // nullptr: not there, or not shown.
  const ShownFile* file(std::string_view name) const;
  // Of a message, enum, service, method, field or extension.
  const ShownFile* file_of_symbol(std::string_view full_name) const;
  const ShownFile* file_of_extension(std::string_view message, int32_t number) const;
  // Of the extensions of a message, ascending; nullptr: no such message.
  const std::vector<int32_t>* extension_numbers(std::string_view message) const;

 private:
  class Part;  // one contract

  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<std::string_view> services_;

  // What the first part gives that has it.
  template <typename Find>
  auto first(Find find) const -> decltype(find(*parts_.front()));
};

}  // namespace parley::service
