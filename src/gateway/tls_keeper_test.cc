#include "gateway/tls_keeper.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "loop/loop_fake.h"
#include "net/tls_fake.h"

namespace parley::gateway {
namespace {

using std::chrono::seconds;

struct Keeping : ::testing::Test, TlsListener {
  loop::FakeLoop fake;
  net::FakeAuthority authority;
  net::CertificateFiles files = authority.issue({"DNS:a.test"});
  Settings settings;
  std::vector<std::string> news;
  int changes = 0;
  int taken = 0;
  int refused = 0;

  Keeping() { settings.listeners[0].tls.certificates = {files}; }
  void tls_changed(const TlsContexts&) override { ++changes; }
  void tls_news(const std::string& text) override { news.push_back(text); }
  void tls_read(bool loaded) override { (loaded ? taken : refused) += 1; }

  // Puts the content of one pair into the files that are watched.
  void replace(const net::CertificateFiles& by) const {
    const auto over = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(by.cert, files.cert + ".new", over);
    std::filesystem::copy_file(by.key, files.key + ".new", over);
    std::filesystem::rename(files.cert + ".new", files.cert);
    std::filesystem::rename(files.key + ".new", files.key);
  }
  void look() {
    fake.advance(TlsKeeper::kInterval);
    fake.loop.run_until_idle();
  }
};

TEST_F(Keeping, loads_what_the_settings_name) {
  TlsKeeper keeper(fake.loop, settings, *this);
  EXPECT_TRUE(keeper.load().empty());
  EXPECT_TRUE(keeper.contexts().listeners[0].active());
}

TEST_F(Keeping, says_what_does_not_load) {
  settings.listeners[0].tls.certificates[0].key = authority.path("none");
  TlsKeeper keeper(fake.loop, settings, *this);
  EXPECT_EQ(keeper.load().size(), 1u);
}

TEST_F(Keeping, reads_changed_files_once_they_have_settled) {
  TlsKeeper keeper(fake.loop, settings, *this);
  keeper.load();
  keeper.start();
  fake.loop.run_until_idle();
  look();
  EXPECT_EQ(changes, 0);
  replace(authority.issue({"DNS:a.test"}));
  look();
  EXPECT_EQ(changes, 0);
  look();
  EXPECT_EQ(changes, 1);
  look();
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(news,
            std::vector<std::string>{"listener 127.0.0.1:8080: its certificates were read again"});
}

TEST_F(Keeping, tells_of_a_bad_file_once_and_stays_with_what_it_has) {
  TlsKeeper keeper(fake.loop, settings, *this);
  keeper.load();
  keeper.start();
  fake.loop.run_until_idle();
  authority.write("cert-2.pem", "no certificate");
  for (int i = 0; i < 5; ++i) look();
  EXPECT_EQ(changes, 0);
  ASSERT_EQ(news.size(), 2u);
  EXPECT_NE(news[0].find(files.cert + " holds no certificate"), std::string::npos);
  EXPECT_EQ(news[1], "listener 127.0.0.1:8080: the certificates from before stay in use");
  EXPECT_TRUE(keeper.contexts().listeners[0].active());
}

TEST_F(Keeping, says_where_the_settings_name_a_bad_file) {
  settings.listeners[0].file_places[files.cert] = {"parley.yaml", 5, 54};
  TlsKeeper keeper(fake.loop, settings, *this);
  keeper.load();
  authority.write("cert-2.pem", "no certificate");
  keeper.reload();
  ASSERT_EQ(keeper.problems().size(), 1u);
  EXPECT_TRUE(keeper.problems()[0].starts_with("parley.yaml:5:54: listener 127.0.0.1:8080: "))
      << keeper.problems()[0];
}

TEST_F(Keeping, has_a_problem_until_the_file_is_repaired) {
  TlsKeeper keeper(fake.loop, settings, *this);
  keeper.load();
  keeper.start();
  fake.loop.run_until_idle();
  EXPECT_TRUE(keeper.problems().empty());
  authority.write("cert-2.pem", "no certificate");
  for (int i = 0; i < 3; ++i) look();
  ASSERT_EQ(keeper.problems().size(), 1u);
  EXPECT_NE(keeper.problems()[0].find(files.cert + " holds no certificate"), std::string::npos);
  EXPECT_EQ(taken, 0);
  EXPECT_EQ(refused, 1);
  replace(authority.issue({"DNS:a.test"}));
  for (int i = 0; i < 3; ++i) look();
  EXPECT_TRUE(keeper.problems().empty());
  EXPECT_EQ(taken, 1);
}

TEST_F(Keeping, knows_all_files_of_the_settings) {
  settings.listeners[0].tls.client_ca = "clients.pem";
  settings.upstreams.resize(1);
  settings.upstreams[0].connection.tls.ca = "ca.pem";
  EXPECT_EQ(tls_files(settings),
            (std::set<std::string>{files.cert, files.key, "clients.pem", "ca.pem"}));
}

TEST_F(Keeping, reads_all_files_when_it_is_told_to) {
  TlsKeeper keeper(fake.loop, settings, *this);
  keeper.load();
  keeper.reload();
  EXPECT_EQ(changes, 1);
}

TEST_F(Keeping, replaces_ticket_keys_twice_in_their_lifetime) {
  settings.listeners[0].tls.ticket_lifetime = seconds(20);
  TlsKeeper keeper(fake.loop, settings, *this);
  keeper.load();
  keeper.start();
  fake.loop.run_until_idle();
  for (int i = 0; i < 41; ++i) look();
  EXPECT_EQ(changes, 4);
  EXPECT_TRUE(news.empty());
}

TEST_F(Keeping, has_no_ticket_keys_to_replace_without_tickets) {
  settings.listeners[0].tls.ticket_lifetime = Duration::zero();
  TlsKeeper keeper(fake.loop, settings, *this);
  keeper.load();
  keeper.start();
  fake.loop.run_until_idle();
  for (int i = 0; i < 10; ++i) look();
  EXPECT_EQ(changes, 0);
}

}  // namespace
}  // namespace parley::gateway
