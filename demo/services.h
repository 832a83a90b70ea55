#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>

#include "database.h"

namespace shop {

// What one process serves; each borrows the database, which it fills when it is new.
struct Service {
  std::string name;  // As in "shop.v1.Users".
  std::unique_ptr<grpc::Service> service;
};
using Services = std::vector<Service>;

Services users_services(Database& database);
Services catalogue_services(Database& database);

struct OrdersSettings {
  std::shared_ptr<grpc::Channel> users;
  std::shared_ptr<grpc::Channel> catalogue;
  // Between two steps of a new order on its way; zero leaves it to AdvanceOrder.
  std::chrono::milliseconds pace{5000};
};
Services orders_services(Database& database, const OrdersSettings& settings);

// One clerk, who reads the orders' database.
Service support_service(Database& orders);

// For work that outlives the call that began it.
Service recounts_service(Database& catalogue);

inline grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext* context,
                                        const grpc::Status& status) {
  auto* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

inline void send_etag(grpc::CallbackServerContext* context, std::string_view etag) {
  context->AddInitialMetadata("etag", "\"" + std::string(etag) + "\"");
}

inline void send_location(grpc::CallbackServerContext* context, std::string_view collection,
                          int64_t id) {
  context->AddInitialMetadata("location", std::string(collection) + std::to_string(id));
}

}  // namespace shop
