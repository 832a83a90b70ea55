#pragma once

#include <cstdint>

#include "database.h"
#include "failure.h"
#include "google/longrunning/operations.pb.h"
#include "shop/v1/catalogue.pb.h"

namespace shop {

// What is left, what is set aside, and who counts it. All functions take the session of the
// catalogue's database.

grpc::Status reserve_stock(Database::Session& session, const v1::ReserveStockRequest& request,
                           v1::Reservation& reservation);

// A reservation that is not known yet will be refused when it comes: its release has overtaken it.
grpc::Status release_stock(Database::Session& session, const v1::ReleaseStockRequest& request);

// A recount is an operation that ends by the clock.
grpc::Status begin_recount(Database::Session& session, const v1::RecountStockRequest& request,
                           google::longrunning::Operation& operation);
grpc::Status get_recount(Database::Session& session, const std::string& name,
                         google::longrunning::Operation& operation);
grpc::Status end_recount(Database::Session& session, const std::string& name);
grpc::Status list_recounts(Database::Session& session,
                           const google::longrunning::ListOperationsRequest& request,
                           google::longrunning::ListOperationsResponse& response);

}  // namespace shop
