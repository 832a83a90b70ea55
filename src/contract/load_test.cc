#include "contract/load.h"

#include <gtest/gtest.h>

#include "contract/contract_fake.h"

namespace parley::contract {
namespace {

TEST(Load, links_messages_services_and_rules) {
  const Contract contract = contract_from(R"(
    syntax = "proto3";
    package shop.v1;
    import "google/api/annotations.proto";
    message User { string user_id = 1; repeated int32 scores = 3; map<string, User> friends = 4; }
    message GetUserRequest { User user = 1; }
    service Users {
      rpc GetUser(GetUserRequest) returns (User) {
        option (google.api.http) = {
          get: "/v1/users/{user.user_id}"
          additional_bindings { post: "/v1/users:get" body: "user" response_body: "friends" }
        };
      }
    }
  )");
  const Method* method = contract.find_method("/shop.v1.Users/GetUser");
  ASSERT_NE(method, nullptr);
  EXPECT_EQ(method->full_name, "shop.v1.Users.GetUser");
  ASSERT_EQ(method->rules.size(), 2u);
  EXPECT_EQ(method->rules[0].verb, "GET");
  ASSERT_EQ(method->rules[0].variables.size(), 1u);
  ASSERT_EQ(method->rules[0].variables[0].size(), 2u);
  EXPECT_EQ(method->rules[0].variables[0][1]->full_name, "shop.v1.User.user_id");
  EXPECT_EQ(method->rules[1].path.verb, "get");
  EXPECT_EQ(method->rules[1].body_field->name, "user");
  EXPECT_TRUE(method->rules[1].response_field->map);
  EXPECT_EQ(method->rules[0].location.line, 9);
  const Message* user = contract.find_message("shop.v1.User");
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(user->contract, &contract);
  EXPECT_EQ(user->find_json("userId"), user->find("user_id"));
  EXPECT_EQ(user->find(3)->name, "scores");
  EXPECT_TRUE(user->find(3)->packed);
}

}  // namespace
}  // namespace parley::contract
