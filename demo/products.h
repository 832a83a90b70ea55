#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aip.h"
#include "database.h"
#include "shop/v1/catalogue.pb.h"

namespace shop {

// The rows of the catalogue. All functions take the session of the catalogue's database.

constexpr const char* product_type = "shop.example/Product";
extern const char* const catalogue_schema;

grpc::Status get_product(Database::Session& session, int64_t product_id, v1::Product& product);
grpc::Status get_product(Database::Session& session, const std::string& name, v1::Product& product);

// Writes a product as it is, new or not.
void put_product(Database::Session& session, const v1::Product& product);

// Checks a product, gives it its id, name and etag, and writes it.
grpc::Status create_product(Database::Session& session, const std::string& shop,
                            const std::string& category, v1::Product& product);

// Changes what `mask` names; `product` holds the result.
grpc::Status change_product(Database::Session& session, const v1::Product& patch,
                            const google::protobuf::FieldMask& mask, v1::Product& product);

grpc::Status list_products(Database::Session& session, const v1::ListProductsRequest& request,
                           v1::ListProductsResponse& response);

grpc::Status search_products(Database::Session& session, const v1::SearchProductsRequest& request,
                             v1::SearchProductsResponse& response);

// At most `limit` products of a category (of all when empty) with ids above `after`, by id.
std::vector<v1::Product> products_after(Database::Session& session, const std::string& category,
                                        int64_t after, int limit);

void list_categories(Database::Session& session, v1::ListCategoriesResponse& response);

}  // namespace shop
