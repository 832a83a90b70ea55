// shop users|catalogue|orders: one gRPC service of the demo, over its own SQLite file.

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "services.h"

namespace {

constexpr const char* usage =
    "usage: shop users|catalogue|orders --data DIR [--listen ADDRESS]\n"
    "  --data DIR           where the SQLite file is, made and filled when missing\n"
    "  --listen ADDRESS     HOST:PORT or unix:PATH; 127.0.0.1:0, any free port, when not given\n"
    "orders also takes\n"
    "  --users ADDRESS      where the users are\n"
    "  --catalogue ADDRESS  where the catalogue is\n"
    "  --pace SECONDS       between the steps of a new order; 5 when not given, 0 for never\n"
    "When ready, it prints `listening on ADDRESS`; SIGTERM ends it.\n";

constexpr auto drain_time = std::chrono::seconds(2);

struct Arguments {
  std::string service;
  std::string data;
  std::string listen = "127.0.0.1:0";
  std::string users;
  std::string catalogue;
  double pace_seconds = 5;
};

// Nothing, and a word on stderr, when they make no sense.
std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  arguments.service = argc > 1 ? argv[1] : "";
  std::string pace;
  for (int i = 2; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    std::string* const value = flag == "--data"        ? &arguments.data
                               : flag == "--listen"    ? &arguments.listen
                               : flag == "--users"     ? &arguments.users
                               : flag == "--catalogue" ? &arguments.catalogue
                               : flag == "--pace"      ? &pace
                                                       : nullptr;
    if (value == nullptr || i + 1 == argc) {
      std::fprintf(stderr, "shop: %s: %s\n", argv[i], value ? "needs a value" : "unknown flag");
      return {};
    }
    *value = argv[i + 1];
  }
  if (!pace.empty()) {
    char* end = nullptr;
    arguments.pace_seconds = std::strtod(pace.c_str(), &end);
    if (*end != '\0' || !(arguments.pace_seconds >= 0 && arguments.pace_seconds <= 86'400)) {
      std::fprintf(stderr, "shop: --pace: not a number of seconds: %s\n", pace.c_str());
      return {};
    }
  }
  const bool orders = arguments.service == "orders";
  if (!orders && arguments.service != "users" && arguments.service != "catalogue") {
    std::fprintf(stderr, "shop: which service? users, catalogue or orders\n");
    return {};
  }
  if (arguments.data.empty() ||
      (orders && (arguments.users.empty() || arguments.catalogue.empty()))) {
    std::fprintf(stderr, "shop: %s needs --data%s\n", arguments.service.c_str(),
                 orders ? ", --users and --catalogue" : "");
    return {};
  }
  return arguments;
}

std::shared_ptr<grpc::Channel> channel(const std::string& address) {
  grpc::ChannelArguments settings;
  settings.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  settings.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), settings);
}

shop::Services services(const Arguments& arguments, shop::Database& database) {
  if (arguments.service == "users") return shop::users_services(database);
  if (arguments.service == "catalogue") return shop::catalogue_services(database);
  shop::OrdersSettings settings;
  settings.users = channel(arguments.users);
  settings.catalogue = channel(arguments.catalogue);
  settings.pace = std::chrono::milliseconds(static_cast<int64_t>(arguments.pace_seconds * 1000));
  return shop::orders_services(database, settings);
}

// "127.0.0.1:0" -> "127.0.0.1:41234"; a Unix socket's address stays.
std::string with_port(const std::string& address, int port) {
  if (address.starts_with("unix:")) return address;
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

// Serves until one of `signals` comes. Returns the exit code.
int serve(const shop::Services& services, const std::string& address, const sigset_t& signals) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  // Otherwise a port that another grpc++ server listens on would be shared with it.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  for (const auto& service : services) builder.RegisterService(service.service.get());
  const auto server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::fprintf(stderr, "shop: cannot listen on %s: is it taken?\n", address.c_str());
    return 1;
  }
  auto* const health = server->GetHealthCheckService();
  health->SetServingStatus(true);
  for (const auto& service : services) health->SetServingStatus(service.name, true);
  std::printf("listening on %s\n", with_port(address, port).c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  health->Shutdown();
  server->Shutdown(std::chrono::system_clock::now() + drain_time);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && (std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h")) {
    std::fputs(usage, stdout);
    return 0;
  }
  const auto arguments = parse(argc, argv);
  if (!arguments) {
    std::fputs(usage, stderr);
    return 2;
  }
  // Blocked before any thread begins, so that only `serve` takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::error_code error;
  std::filesystem::create_directories(arguments->data, error);
  if (error) {
    std::fprintf(stderr, "shop: %s: %s\n", arguments->data.c_str(), error.message().c_str());
    return 1;
  }
  shop::Database database(std::filesystem::path(arguments->data) / (arguments->service + ".db"));
  const auto running = services(*arguments, database);
  return serve(running, arguments->listen, signals);
}
