#include <gtest/gtest.h>

#include "loop/loop_fake.h"
#include "net/net_fake.h"
#include "net/tls_fake.h"
#include "net/tls_stream.h"
#include "upstream/cluster.h"

namespace parley::upstream {
namespace {

using std::chrono::seconds;

// A cluster of one endpoint, and what listens there.
struct Secured : testing::Test {
  loop::FakeLoop fake;
  net::MemoryNetwork network{fake.loop};
  net::MemoryResolver resolver;
  net::FakeAuthority authority;
  Settings settings;
  std::unique_ptr<net::Listener> listener;
  std::string first_bytes;  // that the endpoint got in clear text
  std::string server_name;  // that it was asked for
  loop::TaskSet tasks{fake.loop};

  Secured() {
    settings.endpoints = {"10.0.0.1:50051"};
    settings.tls = {.enabled = true, .ca = authority.ca(), .server_name = "users.test"};
    listener = *network.listen(*net::Address::parse("10.0.0.1:50051"), {});
  }
  void use_context(Cluster& cluster) const {
    std::vector<net::TlsProblem> problems;
    cluster.use(*net::TlsClientContext::load(settings.tls, problems));
  }
  loop::Task<void> take_one() {
    auto stream = co_await listener->accept();
    auto chunk = co_await (*stream)->read();
    if (chunk) first_bytes = chunk->view();
  }
  loop::Task<void> secure_one() {
    net::TlsServerSettings tls;
    tls.certificates = {authority.issue({"DNS:users.test"})};
    std::vector<net::TlsProblem> problems;
    auto context = net::TlsServerContext::load(tls, net::TicketKeys::fresh(), problems);
    auto stream = co_await listener->accept();
    auto secured = co_await net::accept_tls(*std::move(stream), *context,
                                            fake.loop.now() + seconds(5), nullptr);
    if (secured) server_name = (*secured)->tls().server_name;
  }
};

TEST_F(Secured, cluster_never_speaks_in_clear_text) {
  tasks.spawn(take_one());
  Cluster cluster(fake.loop, network, resolver, settings);
  fake.loop.run_until_idle();
  EXPECT_EQ(first_bytes, "");
  EXPECT_FALSE(cluster.connected());
  EXPECT_NE(cluster.trouble().find("certificates do not load"), std::string::npos);
}

TEST_F(Secured, cluster_begins_with_a_handshake) {
  tasks.spawn(take_one());
  Cluster cluster(fake.loop, network, resolver, settings);
  use_context(cluster);
  fake.loop.run_until_idle();
  ASSERT_GT(first_bytes.size(), 5u);
  EXPECT_EQ(first_bytes.substr(0, 2), "\x16\x03");
}

TEST_F(Secured, cluster_asks_for_the_name_of_its_settings) {
  tasks.spawn(secure_one());
  Cluster cluster(fake.loop, network, resolver, settings);
  use_context(cluster);
  fake.loop.run_until_idle();
  EXPECT_EQ(server_name, "users.test");
}

TEST_F(Secured, cluster_asks_for_the_name_of_its_endpoint) {
  resolver.names["users.test"] = {*net::Address::parse("10.0.0.1:1")};
  settings.endpoints = {"users.test:50051"};
  settings.tls.server_name.clear();
  tasks.spawn(secure_one());
  Cluster cluster(fake.loop, network, resolver, settings);
  use_context(cluster);
  fake.loop.run_until_idle();
  EXPECT_EQ(server_name, "users.test");
}

}  // namespace
}  // namespace parley::upstream
