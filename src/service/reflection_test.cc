#include "service/reflection.h"

#include <algorithm>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "contract/contract_fake.h"
#include "loop/loop_fake.h"
#include "service/builtin_contract.h"
#include "service/client_fake.h"
#include "wire/wire_reader.h"

namespace parley::service {
namespace {

using Messages = std::vector<std::string>;

const std::map<std::string, std::string> kShop = {
    {"shop/users.proto", R"(
      syntax = "proto2";
      package shop.v1;
      import "shop/types.proto";
      import "google/protobuf/empty.proto";
      message User { optional Name name = 1; extensions 100 to 200; }
      service Users {
        rpc GetUser(google.protobuf.Empty) returns (User);
        rpc PurgeUsers(google.protobuf.Empty) returns (google.protobuf.Empty);
      }
      service Secrets { rpc Reveal(google.protobuf.Empty) returns (google.protobuf.Empty); })"},
    {"shop/types.proto", R"(
      syntax = "proto2";
      package shop.v1;
      message Name { optional string first = 1; }
      enum Colour { RED = 0; })"},
    {"shop/extra.proto", R"(
      syntax = "proto2";
      package shop.extra;
      import "shop/users.proto";
      extend shop.v1.User { optional int32 age = 150; optional int32 height = 101; })"},
    {"shop/internal.proto", R"(
      syntax = "proto2";
      package shop.internal;
      message Key {}
      service Vault { rpc Open(Key) returns (Key); })"},
};

bool exposed_in_shop(const contract::Method& method) {
  return method.full_name == "shop.v1.Users.GetUser";
}

// The names of the fields of a serialized message that are strings or messages with a name first.
Messages names_in(std::string_view message, uint32_t number) {
  Messages names;
  wire::WireReader reader(message);
  while (reader.next()) {
    if (reader.number() != number) {
      reader.skip();
      continue;
    }
    wire::WireReader inner(reader.bytes());
    EXPECT_TRUE(inner.next());
    names.emplace_back(inner.bytes());
  }
  return names;
}

class ReflectionTest : public testing::Test, public ReflectionSource {
 protected:
  ReflectionTest() {
    index.add(shop, exposed_in_shop);
    index.add(builtin_contract(), [](const contract::Method& method) {
      return method.service->full_name != kAdminService;
    });
  }
  const ReflectionIndex& reflection() const override { return index; }

  // The serialized files of the answer to one question, empty when it is none of files.
  Messages files(const std::string& question) {
    client.send(question);
    return files_of(client.wire.back());
  }
  static Messages files_of(std::string_view response) {
    Messages found;
    wire::WireReader reader(response);
    while (reader.next()) {
      if (reader.number() != 4) {
        reader.skip();
        continue;
      }
      wire::WireReader inner(reader.bytes());
      while (inner.next()) found.emplace_back(inner.bytes());
    }
    return found;
  }
  Messages file_names(const std::string& question) {
    Messages names;
    for (const std::string& file : files(question)) {
      wire::WireReader reader(file);
      EXPECT_TRUE(reader.next());
      names.emplace_back(reader.bytes());
    }
    return names;
  }
  std::string answer(const std::string& question) {
    client.take();
    client.send(question);
    return client.take().at(0);
  }

  contract::Contract shop = contract::contract_from_files(kShop);
  ReflectionIndex index;
  loop::FakeLoop fake;
  Reflection service{*this};
  FakeClient client{fake, service, "grpc.reflection.v1.ServerReflection.ServerReflectionInfo"};
};

TEST_F(ReflectionTest, lists_exposed_services_with_health_and_reflection) {
  client.start();
  EXPECT_EQ(answer(R"({"host":"h","listServices":"*"})"),
            R"({"validHost":"h","originalRequest":{"host":"h","listServices":"*"},)"
            R"("listServicesResponse":{"service":[{"name":"grpc.health.v1.Health"},)"
            R"({"name":"grpc.reflection.v1.ServerReflection"},)"
            R"({"name":"grpc.reflection.v1alpha.ServerReflection"},)"
            R"({"name":"shop.v1.Users"}]}})");
}

TEST_F(ReflectionTest, v1alpha_answers_the_same) {
  FakeClient alpha(fake, service, "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo");
  alpha.ask({R"({"fileByFilename":"shop/none.proto"})"});
  EXPECT_EQ(alpha.take(),
            Messages{R"({"validHost":"","originalRequest":{"host":"",)"
                     R"("fileByFilename":"shop/none.proto"},"errorResponse":{"errorCode":5,)"
                     R"("errorMessage":"no file \"shop/none.proto\" here"}})"});
  EXPECT_EQ(alpha.outcome(), "OK");
}

TEST_F(ReflectionTest, a_symbols_file_comes_with_its_imports) {
  client.start();
  const Messages expected = {"shop/users.proto", "shop/types.proto", "google/protobuf/empty.proto"};
  EXPECT_EQ(file_names(R"({"fileContainingSymbol":"shop.v1.Users"})"), expected);
}

TEST_F(ReflectionTest, finds_every_kind_of_symbol) {
  client.start();
  for (const char* name : {"shop.v1.Users.GetUser", "shop.v1.User", "shop.v1.User.name",
                           "shop.extra.age", "shop.v1.Colour"})
    EXPECT_FALSE(files(R"({"fileContainingSymbol":")" + std::string(name) + R"("})").empty())
        << name;
}

TEST_F(ReflectionTest, imports_that_the_stream_has_seen_are_not_sent_again) {
  client.start();
  file_names(R"({"fileContainingSymbol":"shop.v1.Users"})");
  EXPECT_EQ(file_names(R"({"fileByFilename":"shop/extra.proto"})"), Messages{"shop/extra.proto"});
  EXPECT_EQ(file_names(R"({"fileByFilename":"shop/users.proto"})"), Messages{"shop/users.proto"})
      << "what is asked for always comes";
}

TEST_F(ReflectionTest, cuts_out_what_is_not_exposed) {
  client.start();
  const std::string file = files(R"({"fileByFilename":"shop/users.proto"})").at(0);
  EXPECT_EQ(names_in(file, 6), Messages{"Users"});
  wire::WireReader reader(file);
  while (reader.next()) {
    EXPECT_NE(reader.number(), 9u) << "source code info";
    if (reader.number() == 6) {
      EXPECT_EQ(names_in(reader.bytes(), 2), Messages{"GetUser"});
    } else {
      reader.skip();
    }
  }
}

TEST_F(ReflectionTest, what_it_shows_links) {
  client.start();
  contract::Source source;
  source.files = files(R"({"fileContainingSymbol":"shop.extra.age"})");
  const contract::Loaded loaded = contract::load(std::move(source));
  ASSERT_TRUE(loaded.contract);
  EXPECT_EQ(loaded.contract->method_count(), 1u);
}

TEST_F(ReflectionTest, hides_services_methods_and_files_that_are_not_exposed) {
  client.start();
  for (const char* name : {"shop.v1.Secrets", "shop.v1.Secrets.Reveal", "shop.v1.Users.PurgeUsers",
                           "shop.internal.Vault", "shop.internal.Key", "parley.admin.v1.Admin",
                           "shop.v1", "nothing", ""})
    EXPECT_EQ(files(R"({"fileContainingSymbol":")" + std::string(name) + R"("})"), Messages{})
        << name;
  EXPECT_EQ(files(R"({"fileByFilename":"shop/internal.proto"})"), Messages{});
  EXPECT_EQ(files(R"({"fileByFilename":"parley/admin/v1/admin.proto"})"), Messages{});
}

TEST_F(ReflectionTest, finds_extensions_by_number_and_lists_them) {
  client.start();
  const Messages found = file_names(
      R"({"fileContainingExtension":{"containingType":"shop.v1.User","extensionNumber":150}})");
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0], "shop/extra.proto");
  EXPECT_EQ(files(R"({"fileContainingExtension":{"containingType":"shop.v1.User",)"
                  R"("extensionNumber":151}})"),
            Messages{});
  EXPECT_NE(answer(R"({"allExtensionNumbersOfType":"shop.v1.User"})")
                .find(R"("allExtensionNumbersResponse":{"baseTypeName":"shop.v1.User",)"
                      R"("extensionNumber":[101,150]})"),
            std::string::npos);
}

TEST_F(ReflectionTest, a_message_without_extensions_has_an_empty_list) {
  client.start();
  EXPECT_NE(answer(R"({"allExtensionNumbersOfType":"shop.v1.Name"})")
                .find(R"({"baseTypeName":"shop.v1.Name","extensionNumber":[]})"),
            std::string::npos);
  EXPECT_NE(answer(R"({"allExtensionNumbersOfType":"shop.v1.None"})").find(R"("errorCode":5)"),
            std::string::npos);
  EXPECT_NE(answer(R"({"allExtensionNumbersOfType":"shop.internal.Key"})").find(R"("errorCode":5)"),
            std::string::npos);
}

TEST_F(ReflectionTest, a_question_that_is_none_is_an_error_response) {
  client.start();
  EXPECT_NE(answer("{}").find(R"("errorResponse":{"errorCode":3,)"), std::string::npos);
}

TEST_F(ReflectionTest, what_is_no_message_ends_the_call) {
  client.send_part(call::whole_message(Bytes::copy("\x22\xff")));
  client.start();
  EXPECT_EQ(client.outcome(), "INVALID_ARGUMENT: the request is not a valid message");
}

TEST_F(ReflectionTest, ends_when_the_client_has_asked_all) {
  client.ask({R"({"listServices":""})", R"({"listServices":""})"});
  EXPECT_EQ(client.take().size(), 2u);
  EXPECT_EQ(client.outcome(), "OK");
}

TEST_F(ReflectionTest, of_two_contracts_the_first_counts_and_imports_stay_with_their_file) {
  const contract::Contract other = contract::contract_from_files(
      {{"shop/types.proto", R"(syntax = "proto3"; package other.v1; message Type {})"},
       {"other.proto", R"(syntax = "proto3"; package other.v1; import "shop/types.proto";
                          service Other { rpc Do(Type) returns (Type); })"}});
  index.add(other, [](const contract::Method&) { return true; });
  client.start();
  EXPECT_EQ(files(R"({"fileByFilename":"shop/types.proto"})").at(0),
            index.file_of_symbol("shop.v1.Name")->descriptor);
  const Messages found = files(R"({"fileContainingSymbol":"other.v1.Other"})");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1], index.file_of_symbol("other.v1.Type")->descriptor);
}

}  // namespace
}  // namespace parley::service
