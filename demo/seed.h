#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shop/v1/catalogue.pb.h"
#include "shop/v1/orders.pb.h"
#include "shop/v1/users.pb.h"

namespace shop {

// The shop as it is on its first day: always the same, so that tests and examples may name what is
// in it. Ids count from 1; the order services know each other's data only through these.
constexpr int64_t user_count = 1'000;
constexpr int64_t product_count = 10'000;
constexpr int64_t order_count = 5'000;

v1::User seed_user(int64_t user_id);
v1::Product seed_product(int64_t product_id);
v1::Order seed_order(int64_t order_id);

// A product's page in the catalogue, as SVG; for those that nobody has photographed.
std::string drawing(const v1::Product& product);

// "Crème Brûlée Torch" -> "creme-brulee-torch".
std::string slug(std::string_view title);

}  // namespace shop
