#include "net/tls_context.h"

#include <string>

#include <gtest/gtest.h>

#include "net/tls_fake.h"

namespace parley::net {
namespace {

struct TlsFiles : ::testing::Test {
  FakeAuthority authority;
  TlsServerSettings settings;
  std::vector<TlsProblem> problems;

  std::optional<TlsServerContext> load() {
    problems.clear();
    return TlsServerContext::load(settings, TicketKeys::fresh(), problems);
  }
  // "setting: what", of the only problem.
  std::string problem() {
    load();
    if (problems.size() != 1) return std::to_string(problems.size()) + " problems";
    return std::string(problems[0].setting) + (problems[0].warning ? " (warning): " : ": ") +
           problems[0].what;
  }
};

TEST_F(TlsFiles, without_a_certificate_make_no_tls) {
  const auto context = load();
  ASSERT_TRUE(context);
  EXPECT_FALSE(context->active());
}

TEST_F(TlsFiles, that_are_not_there_are_named) {
  settings.certificates = {{authority.path("none.pem"), authority.issue({"DNS:a.test"}).key}};
  EXPECT_EQ(problem(),
            "cert: cannot read " + authority.path("none.pem") + ": no such file or directory");
}

TEST_F(TlsFiles, with_other_content_are_named) {
  const CertificateFiles good = authority.issue({"DNS:a.test"});
  settings.certificates = {{good.key, good.key}};
  EXPECT_EQ(problem(), "cert: " + good.key + " holds no certificate: no start line");
  settings.certificates = {{good.cert, good.cert}};
  EXPECT_TRUE(problem().starts_with("key: " + good.cert + " holds no private key")) << problem();
  const std::string broken = authority.write(
      "broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  settings.certificates = {{broken, good.key}};
  EXPECT_TRUE(problem().starts_with("cert: " + broken + " holds no certificate")) << problem();
}

TEST_F(TlsFiles, that_are_too_large_are_refused) {
  const std::string large = authority.write("large.pem", std::string(2 << 20, 'x'));
  settings.certificates = {{large, authority.issue({"DNS:a.test"}).key}};
  EXPECT_EQ(problem(), "cert: cannot read " + large + ": it is too large for a PEM file");
}

TEST_F(TlsFiles, that_do_not_belong_together_are_refused) {
  const CertificateFiles a = authority.issue({"DNS:a.test"});
  const CertificateFiles b = authority.issue({"DNS:b.test"});
  settings.certificates = {{a.cert, b.key}};
  EXPECT_EQ(problem(),
            "key: the key in " + b.key + " does not belong to the certificate in " + a.cert);
}

TEST_F(TlsFiles, that_have_expired_deserve_a_warning) {
  settings.certificates = {authority.issue({.names = {"DNS:a.test"}, .valid_for_seconds = -60})};
  EXPECT_TRUE(problem().starts_with("cert (warning): the certificate in ")) << problem();
  EXPECT_TRUE(load());
}

TEST_F(TlsFiles, of_the_clients_authorities_are_checked) {
  settings.certificates = {authority.issue({"DNS:a.test"})};
  settings.client_auth = ClientAuth::Require;
  settings.client_ca = authority.write("empty.pem", "");
  EXPECT_EQ(problem(), "client_ca: " + settings.client_ca + " holds no certificate: no start line");
  EXPECT_FALSE(load());
}

TEST_F(TlsFiles, of_an_upstream_are_checked) {
  EXPECT_TRUE(TlsClientContext::load({.enabled = true, .ca = authority.ca()}, problems));
  EXPECT_TRUE(problems.empty());
  EXPECT_FALSE(TlsClientContext::load({.enabled = true, .ca = authority.path("none")}, problems));
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].setting, "ca");
}

TEST_F(TlsFiles, are_chosen_by_the_clients_name) {
  settings.certificates = {authority.issue({"DNS:first.test", "DNS:*.both.test"}),
                           authority.issue({"DNS:exact.wild.test"}),
                           authority.issue({"DNS:*.wild.test", "DNS:x.both.test"})};
  const TlsServerContext context = *load();
  EXPECT_EQ(context.certificate_for("first.test"), 0u);
  EXPECT_EQ(context.certificate_for("exact.wild.test"), 1u);
  EXPECT_EQ(context.certificate_for("EXACT.Wild.Test."), 1u);
  EXPECT_EQ(context.certificate_for("other.wild.test"), 2u);
  EXPECT_EQ(context.certificate_for("x.both.test"), 2u);
  EXPECT_EQ(context.certificate_for("y.both.test"), 0u);
  for (const char* name : {"a.b.wild.test", "wild.test", ".wild.test", "unknown.test", "", "."})
    EXPECT_EQ(context.certificate_for(name), 0u) << name;
}

TEST_F(TlsFiles, without_names_are_known_by_their_common_name) {
  settings.certificates = {authority.issue({"DNS:first.test"}),
                           authority.issue({.names = {}, .common_name = "Old.Test"})};
  EXPECT_EQ(load()->certificate_for("old.test"), 1u);
}

TEST_F(TlsFiles, of_two_kinds_of_key_stand_together) {
  settings.certificates = {authority.issue({"DNS:a.test"}),
                           authority.issue({.names = {"DNS:a.test"}, .rsa = true}),
                           authority.issue({"DNS:b.test"})};
  const TlsServerContext context = *load();
  EXPECT_EQ(context.certificate_for("a.test"), 0u);
  EXPECT_EQ(context.certificate_for("b.test"), 2u);
}

TEST(TicketKeys, open_what_older_ones_have_sealed) {
  TicketKeys keys = TicketKeys::fresh();
  const auto first = keys.newest().name;
  for (size_t i = 1; i < TicketKeys::kKept; ++i) {
    keys = keys.rotated();
    EXPECT_NE(keys.newest().name, first);
    EXPECT_TRUE(keys.find(first.data()));
  }
  EXPECT_FALSE(keys.rotated().find(first.data()));
}

TEST(TicketKeys, come_back_from_their_bytes) {
  const TicketKeys keys = TicketKeys::fresh().rotated().rotated().rotated();
  const auto back = TicketKeys::from_bytes(keys.bytes());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->bytes(), keys.bytes());
  EXPECT_EQ(back->newest().name, keys.newest().name);
}

TEST(TicketKeys, are_not_made_of_bytes_that_are_none) {
  const std::string bytes = TicketKeys::fresh().bytes();
  EXPECT_FALSE(TicketKeys::from_bytes(""));
  EXPECT_FALSE(TicketKeys::from_bytes(bytes.substr(1)));
  EXPECT_FALSE(TicketKeys::from_bytes(bytes + bytes + bytes + bytes));
}

}  // namespace
}  // namespace parley::net
