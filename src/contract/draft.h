#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/arena.h>
#include <google/protobuf/descriptor.pb.h>

#include "contract/features.h"
#include "contract/load.h"
#include "contract/problem.h"
#include "contract/storage.h"

namespace parley::contract {

// A contract while it is linked. The steps run in this order, each over all files, so that files
// may come in any order:
//
//   parse_files declare_symbols attach_extensions fill_members place_locations link_fields
//   index_members link_services bind_http_rules
//
// Lists named like those of the storage run parallel to them.
struct Draft {
  static constexpr uint32_t kNone = UINT32_MAX;

  struct FileDraft {
    const google::protobuf::FileDescriptorProto* proto = nullptr;  // without its source_code_info
    std::string_view source_code_info;  // serialized: most of it is of no use here
    bool editions = false;              // features count
    Features features;
    // Where what stands at the file's top level begins; nested things follow their own scope.
    uint32_t first_message = 0;
    uint32_t first_enum = 0;
    uint32_t first_extension = 0;
    uint32_t first_service = 0;
  };
  // The children of a message lie side by side, so that a path of SourceCodeInfo leads to them.
  struct MessageDraft {
    const google::protobuf::DescriptorProto* proto = nullptr;
    std::string_view full_name;
    uint32_t file = 0;
    Features features;
    uint32_t first_child = 0;
    uint32_t first_enum = 0;
    uint32_t first_extension = 0;
    uint32_t extension_count = 0;  // of those that extend it
    uint32_t next_extension = 0;   // while they are filled in: the field of the next one
  };
  struct EnumDraft {
    const google::protobuf::EnumDescriptorProto* proto = nullptr;
    std::string_view full_name;
    uint32_t file = 0;
    Features features;
  };
  struct ExtensionDraft {
    const google::protobuf::FieldDescriptorProto* proto = nullptr;
    std::string_view full_name;
    std::string_view scope;  // of the declaration
    uint32_t file = 0;
    Features features;          // of the scope
    uint32_t extendee = kNone;  // message; kNone: not resolved
    uint32_t field = kNone;
  };
  struct ServiceDraft {
    const google::protobuf::ServiceDescriptorProto* proto = nullptr;
    std::string_view full_name;
    uint32_t file = 0;
  };
  // A type that no file declares, and who needs it.
  struct MissingType {
    uint32_t file = 0;
    std::string_view user;
    std::string type;
    Location where;
  };

  google::protobuf::Arena arena;
  std::unique_ptr<Contract::Storage> storage = std::make_unique<Contract::Storage>();
  Problems problems;
  std::vector<FileDraft> files;
  std::vector<MessageDraft> messages;
  std::vector<EnumDraft> enums;
  std::vector<ExtensionDraft> extensions;
  std::vector<ServiceDraft> services;
  std::vector<MissingType> missing_types;
  std::vector<Location> field_locations;  // by field
  std::vector<Location> rule_locations;   // by method: of its google.api.http
  bool unusable = false;                  // a bad name or a limit: no later step may run

  std::string_view package(uint32_t file) const { return files[file].proto->package(); }
  Location file_location(uint32_t file) const { return {storage->files[file].name, 0, 0}; }

  Location& location_of(const Field& field) {
    return field_locations[static_cast<size_t>(&field - storage->fields.data())];
  }
  // What `field` has beside the rest, made when it is first asked for.
  FieldExtras& extras_of(Field& field);

  // `scope`.`name`, kept in the contract's arena; `name` itself where there is no scope.
  std::string_view join(std::string_view scope, std::string_view name);

  // The symbol that `type_name` means when it is used in `scope` (a full name): absolute with a
  // leading dot, else the innermost match. nullptr: none.
  const Symbol* resolve(std::string_view scope, std::string_view type_name) const;
  // The same, for a type that must be there: what is missing is noted for `report_missing`.
  const Symbol* require(uint32_t file, std::string_view scope, std::string_view type_name,
                        std::string_view user, const Location& where);
};

// Whether a text can name a declaration: [A-Za-z_][A-Za-z0-9_]*.
bool is_identifier(std::string_view name);

// The steps. Each reports into `problems` and leaves the draft safe for the next.
void parse_files(Draft& draft, Source source);
void declare_symbols(Draft& draft);
void attach_extensions(Draft& draft);
void fill_members(Draft& draft);
void place_locations(Draft& draft);
void link_fields(Draft& draft);
void index_members(Draft& draft);
void recognise_well_known(Draft& draft);
void link_services(Draft& draft);
void report_missing(Draft& draft);
// Yields the rules of the configuration that name no method.
std::vector<size_t> bind_http_rules(Draft& draft, const std::vector<ConfiguredRule>& configured);

}  // namespace parley::contract
