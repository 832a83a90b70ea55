#include "config/flags.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace parley::config {
namespace {

using gateway::Expose;
using gateway::Settings;
using gateway::UpstreamSettings;

struct Applied {
  Settings settings;
  std::vector<std::string> problems;
};

Applied applied(const Flags& flags, Settings settings = {}) {
  contract::Problems problems;
  apply(flags, settings, problems);
  Applied result{std::move(settings), {}};
  for (const contract::Problem& problem : problems.take())
    result.problems.push_back(problem.text());
  return result;
}

UpstreamSettings upstream(std::string name, std::string endpoint) {
  UpstreamSettings settings;
  settings.connection.name = std::move(name);
  settings.connection.endpoints = {std::move(endpoint)};
  return settings;
}

using Strings = std::vector<std::string>;

TEST(UpstreamFlag, is_named_by_its_first_endpoint) {
  const Applied result = applied({.upstreams = {"a:1,b:2"}});
  EXPECT_EQ(result.problems, Strings{});
  ASSERT_EQ(result.settings.upstreams.size(), 1u);
  EXPECT_EQ(result.settings.upstreams[0].connection.name, "a:1");
  EXPECT_EQ(result.settings.upstreams[0].connection.endpoints, (Strings{"a:1", "b:2"}));
}

TEST(UpstreamFlag, may_give_a_name) {
  const Applied result = applied({.upstreams = {"users=unix:/run/a=b.sock", "unix:/run/c=d.sock"}});
  EXPECT_EQ(result.problems, Strings{});
  EXPECT_EQ(result.settings.upstreams[0].connection.name, "users");
  EXPECT_EQ(result.settings.upstreams[0].connection.endpoints, Strings{"unix:/run/a=b.sock"});
  EXPECT_EQ(result.settings.upstreams[1].connection.name, "unix:/run/c=d.sock");
}

TEST(UpstreamFlag, replaces_the_files_upstreams_but_keeps_what_is_said_about_a_name) {
  Settings file;
  file.upstreams = {upstream("users", "old:1"), upstream("orders", "old:2")};
  file.upstreams[0].expose.mode = Expose::Mode::Annotated;
  const Applied result = applied({.upstreams = {"users=new:1"}}, file);
  ASSERT_EQ(result.settings.upstreams.size(), 1u);
  EXPECT_EQ(result.settings.upstreams[0].connection.endpoints, Strings{"new:1"});
  EXPECT_EQ(result.settings.upstreams[0].expose.mode, Expose::Mode::Annotated);
}

TEST(UpstreamFlag, refuses_one_name_twice) {
  EXPECT_EQ(applied({.upstreams = {"a:1", "a:1"}}).problems,
            Strings{"--upstream a:1: two upstreams are named a:1; list the endpoints of one "
                    "upstream with commas, or give it another name: --upstream NAME=HOST:PORT"});
}

TEST(UpstreamFlag, refuses_what_is_no_endpoint) {
  EXPECT_EQ(applied({.upstreams = {"http://a:1", "b"}}).problems.size(), 2u);
}

TEST(ListenFlag, replaces_the_files_listeners) {
  Settings file;
  file.listeners = {{"127.0.0.1:1", {.api = true, .reflection = false}}, {"127.0.0.1:2", {}}};
  const Applied result = applied({.listen = {"127.0.0.1:1", "[::1]:3"}}, file);
  ASSERT_EQ(result.settings.listeners.size(), 2u);
  EXPECT_FALSE(result.settings.listeners[0].serve.reflection);
  EXPECT_EQ(result.settings.listeners[1].address, "[::1]:3");
}

TEST(ListenFlag, keeps_the_files_listeners_when_it_is_not_given) {
  Settings file;
  file.listeners = {{"127.0.0.1:1", {}}};
  EXPECT_EQ(applied({}, file).settings.listeners[0].address, "127.0.0.1:1");
}

TEST(ExposeFlag, holds_for_all_upstreams_but_those_it_names) {
  const Applied result = applied({.upstreams = {"a=a:1", "b=b:1", "c:1"},
                                  .expose = {"b=shop.v1.*,shop.v2.X", "annotated", "c:1=all"}});
  EXPECT_EQ(result.problems, Strings{});
  EXPECT_EQ(result.settings.upstreams[0].expose.mode, Expose::Mode::Annotated);
  EXPECT_EQ(result.settings.upstreams[1].expose.mode, Expose::Mode::Selectors);
  EXPECT_EQ(result.settings.upstreams[1].expose.selectors, (Strings{"shop.v1.*", "shop.v2.X"}));
  EXPECT_EQ(result.settings.upstreams[2].expose.mode, Expose::Mode::All);
}

TEST(ExposeFlag, gathers_selectors_when_it_is_repeated) {
  const Applied result = applied({.upstreams = {"a=a:1"}, .expose = {"x.A", "x.B"}});
  EXPECT_EQ(result.settings.upstreams[0].expose.selectors, (Strings{"x.A", "x.B"}));
}

TEST(ExposeFlag, refuses_all_beside_selectors) {
  EXPECT_EQ(applied({.upstreams = {"a:1"}, .expose = {"all,shop.v1.*"}}).problems.size(), 1u);
}

TEST(ExposeFlag, names_the_upstream_that_was_probably_meant) {
  EXPECT_EQ(applied({.upstreams = {"users=a:1", "b:2"}, .expose = {"usres=all"}}).problems,
            Strings{"--expose usres=all: there is no upstream `usres`; did you mean `users`?"});
}

TEST(ProtoFlag, belongs_to_the_only_upstream) {
  const Applied result =
      applied({.upstreams = {"a:1"}, .proto = {"x.proto", "dir/y=z.proto"}, .include = {"protos"}});
  EXPECT_EQ(result.problems, Strings{});
  EXPECT_EQ(result.settings.upstreams[0].proto.files, (Strings{"x.proto", "dir/y=z.proto"}));
  EXPECT_EQ(result.settings.upstreams[0].proto.includes, Strings{"protos"});
}

TEST(ProtoFlag, says_the_upstream_where_there_are_several) {
  const Applied result = applied({.upstreams = {"a=a:1", "b=b:1", "c:1"},
                                  .proto = {"a=x.proto", "c:1=y.proto", "a=z.proto"},
                                  .include = {"shared", "a=own"}});
  EXPECT_EQ(result.problems, Strings{});
  EXPECT_EQ(result.settings.upstreams[0].proto.files, (Strings{"x.proto", "z.proto"}));
  EXPECT_EQ(result.settings.upstreams[0].proto.includes, (Strings{"shared", "own"}));
  EXPECT_EQ(result.settings.upstreams[1].proto.includes, Strings{});
  EXPECT_EQ(result.settings.upstreams[2].proto.files, Strings{"y.proto"});
  EXPECT_EQ(result.settings.upstreams[2].proto.includes, Strings{"shared"});
}

TEST(ProtoFlag, is_an_error_where_its_upstream_cannot_be_told) {
  EXPECT_EQ(applied({.upstreams = {"a=a:1", "b=b:1"}, .proto = {"x.proto"}}).problems,
            Strings{"--proto x.proto: it does not say which upstream's contract this is; write "
                    "--proto NAME=x.proto; the upstreams are a, b"});
}

TEST(ProtoFlag, replaces_the_contract_of_the_file) {
  Settings file;
  file.upstreams = {upstream("a", "a:1")};
  file.upstreams[0].descriptor_set = "a.binpb";
  const Applied result = applied({.proto = {"x.proto"}}, file);
  EXPECT_EQ(result.settings.upstreams[0].descriptor_set, "");
  EXPECT_EQ(result.settings.upstreams[0].proto.files, Strings{"x.proto"});
}

TEST(DescriptorSetFlag, replaces_the_contract_of_the_file) {
  Settings file;
  file.upstreams = {upstream("a", "a:1")};
  file.upstreams[0].proto.files = {"x.proto"};
  const Applied result = applied({.descriptor_sets = {"a.binpb"}}, file);
  EXPECT_EQ(result.settings.upstreams[0].descriptor_set, "a.binpb");
  EXPECT_EQ(result.settings.upstreams[0].proto.files, Strings{});
}

TEST(DescriptorSetFlag, is_one_for_an_upstream) {
  EXPECT_EQ(applied({.upstreams = {"a:1"}, .descriptor_sets = {"x", "y"}}).problems.size(), 1u);
}

TEST(DescriptorSetFlag, does_not_go_with_proto_files) {
  EXPECT_EQ(applied({.upstreams = {"a:1"}, .proto = {"p"}, .descriptor_sets = {"d"}}).problems,
            Strings{"--descriptor-set d: upstream a:1 has --proto files as well; give one of the "
                    "two"});
}

TEST(IncludeFlag, needs_proto_files) {
  EXPECT_EQ(applied({.upstreams = {"a:1"}, .include = {"protos"}}).problems.size(), 1u);
}

TEST(TlsFlags, leave_listeners_that_redirect_to_https_plain) {
  Settings file;
  file.listeners.resize(2);
  file.listeners[0].https_port = 443;
  const Applied result = applied({.tls_cert = {"a.pem"}, .tls_key = {"a.key"}}, file);
  EXPECT_TRUE(result.settings.listeners[0].tls.certificates.empty());
  EXPECT_EQ(result.settings.listeners[1].tls.certificates.size(), 1u);
}

TEST(SingleFlags, beat_the_file_and_are_checked) {
  Settings file;
  file.admin = "127.0.0.1:1";
  file.threads = 7;
  const Applied result = applied({.admin = "off", .threads = "2", .log = "json"}, file);
  EXPECT_EQ(result.settings.admin, "off");
  EXPECT_EQ(result.settings.threads, 2u);
  EXPECT_EQ(result.settings.log.format, edge::LogFormat::Json);
  EXPECT_EQ(applied({.admin = "x", .threads = "0", .log = "loud"}).problems.size(), 3u);
}

}  // namespace
}  // namespace parley::config
