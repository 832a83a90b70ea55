#include "products.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "seed.h"

namespace shop {

// A row is the message, except for what changes with each order; the other columns are what lists
// look for.
const char* const catalogue_schema = R"(
  CREATE TABLE products (
    product_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    shop TEXT NOT NULL,
    category TEXT NOT NULL,
    price_cents INTEGER NOT NULL,
    tags TEXT NOT NULL,
    stock INTEGER NOT NULL,
    sold_count INTEGER NOT NULL,
    message BLOB NOT NULL);
  CREATE TABLE images (
    product_id INTEGER PRIMARY KEY,
    content_type TEXT NOT NULL,
    data BLOB NOT NULL);
  CREATE TABLE reservations (
    reservation_id TEXT PRIMARY KEY,
    released INTEGER NOT NULL,
    message BLOB NOT NULL);
  CREATE TABLE recounts (
    recount_id INTEGER PRIMARY KEY AUTOINCREMENT,
    product_id INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL);
  CREATE INDEX recounts_by_product ON recounts (product_id, end_ms);
)";

namespace {

constexpr int variants_max = 100;
constexpr int tags_max = 20;

#define PRODUCTS_FILTER                                                                \
  "(?1 = '' OR shop = ?1) AND "                                                        \
  "(?2 = '' OR category = ?2 OR substr(category, 1, length(?2) + 1) = ?2 || '/') AND " \
  "price_cents BETWEEN ?3 AND ?4 AND (stock > 0 OR NOT ?5) AND "                       \
  "NOT EXISTS (SELECT 1 FROM json_each(?6) WHERE instr(tags, ',' || value || ',') = 0)"
constexpr const char* count_sql = "SELECT COUNT(*) FROM products WHERE " PRODUCTS_FILTER;
constexpr const char* oldest_first_sql =
    "SELECT message, stock, sold_count FROM products WHERE " PRODUCTS_FILTER
    " AND product_id > ?7 ORDER BY product_id LIMIT ?8";
constexpr const char* newest_first_sql =
    "SELECT message, stock, sold_count FROM products WHERE " PRODUCTS_FILTER
    " AND (?7 = 0 OR product_id < ?7) ORDER BY product_id DESC LIMIT ?8";
#undef PRODUCTS_FILTER

// Columns: message, stock, sold_count.
void read(const Rows& rows, v1::Product& product) {
  product.ParseFromString(std::string(rows.text(0)));
  product.set_stock(static_cast<int32_t>(rows.integer(1)));
  product.set_sold_count(static_cast<uint64_t>(rows.integer(2)));
}

bool is_word(std::string_view word) {  // As in "last-pieces".
  return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::islower(c) || std::isdigit(c) || c == '-';
  });
}

bool is_category(std::string_view category) {  // Words between slashes.
  while (true) {
    const size_t slash = category.find('/');
    if (!is_word(category.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    category.remove_prefix(slash + 1);
  }
}

// "shops/harbour/items/kitchen/knives/santoku-17": shop harbour, category kitchen/knives.
struct Place {
  std::string shop;
  std::string category;
};
Place place_of(const std::string& name) {
  constexpr std::string_view shops = "shops/", items = "/items/";
  const size_t shop_end = name.find('/', shops.size());
  const size_t category_begin = shop_end + items.size();
  const size_t category_end = std::max(name.rfind('/'), category_begin);
  return {name.substr(shops.size(), shop_end - shops.size()),
          name.substr(category_begin, category_end - category_begin)};
}

grpc::Status check(const v1::Product& product) {
  Violations violations = missing_fields(product, "product.");
  if (product.has_price() && !cents(product.price())) {
    violations.push_back({"product.price", "is not an amount of EUR in whole cents"});
  }
  if (product.stock() < 0) violations.push_back({"product.stock", "is negative"});
  if (product.has_rating() && !(product.rating() >= 0 && product.rating() <= 5)) {
    violations.push_back({"product.rating", "is not from 0 to 5"});
  }
  if (product.variants_size() > variants_max) {
    violations.push_back({"product.variants", "has more than " + std::to_string(variants_max)});
  }
  if (product.tags_size() > tags_max) {
    violations.push_back({"product.tags", "has more than " + std::to_string(tags_max)});
  }
  for (int i = 0; i < product.tags_size(); ++i) {
    if (is_word(product.tags(i))) continue;
    violations.push_back({"product.tags[" + std::to_string(i) + "]",
                          "is not lower-case letters, digits and hyphens"});
  }
  return violations.empty() ? grpc::Status::OK : invalid(violations);
}

void stamp(v1::Product& product) {
  const int64_t now = now_ms();
  if (!product.has_create_time()) *product.mutable_create_time() = timestamp(now);
  *product.mutable_update_time() = timestamp(now);
  product.set_price_cents(cents(product.price()).value_or(0));
  product.set_etag(make_etag(product.product_id(), now));
}

// Violations under `path` when the range makes no sense.
struct Cents {
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
};
Violations read_range(const v1::PriceRange& range, const std::string& path, Cents& result) {
  const auto min = range.has_min() ? cents(range.min()) : std::optional(result.min);
  const auto max = range.has_max() ? cents(range.max()) : std::optional(result.max);
  Violations violations;
  if (!min) violations.push_back({path + ".min", "is not an amount of EUR in whole cents"});
  if (!max) violations.push_back({path + ".max", "is not an amount of EUR in whole cents"});
  if (violations.empty()) result = {*min, *max};
  return violations;
}

bool contains(std::string_view text, std::string_view part) {
  const auto same = [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

using Criterion = v1::SearchProductsRequest::Criterion;
using Criteria = google::protobuf::RepeatedPtrField<Criterion>;

bool holds(const Criterion& criterion, const v1::Product& product) {
  switch (criterion.test_case()) {
    case Criterion::kText:
      return contains(product.title(), criterion.text()) ||
             contains(product.description(), criterion.text());
    case Criterion::kPrice: {
      Cents range;
      read_range(criterion.price(), "", range);
      return product.price_cents() >= range.min && product.price_cents() <= range.max;
    }
    case Criterion::kNear:
      return product.has_rating() &&
             std::abs(product.rating() - criterion.near().rating()) <= criterion.near().tolerance();
    case Criterion::kNoneOf: {
      const auto& within = criterion.none_of().criteria();
      return std::none_of(within.begin(), within.end(),
                          [&](const Criterion& inner) { return holds(inner, product); });
    }
    case Criterion::TEST_NOT_SET: break;
  }
  return true;
}

void check(const Criteria& criteria, const std::string& path, Violations& violations) {
  for (int i = 0; i < criteria.size(); ++i) {
    const std::string place = path + "criteria[" + std::to_string(i) + "]";
    const auto& criterion = criteria[i];
    Cents unused;
    const auto in_range = read_range(criterion.price(), place + ".price", unused);
    violations.insert(violations.end(), in_range.begin(), in_range.end());
    if (criterion.test_case() == Criterion::TEST_NOT_SET) {
      violations.push_back({place, "tests nothing"});
    }
    check(criterion.none_of().criteria(), place + ".none_of.", violations);
  }
}

// A JSON array for `json_each`. REQUIRES: words, so that nothing needs escaping.
std::string json_array(const google::protobuf::RepeatedPtrField<std::string>& words) {
  std::string array = "[";
  for (const auto& word : words) array += (array.size() > 1 ? ",\"" : "\"") + word + "\"";
  return array + "]";
}

}  // namespace

grpc::Status get_product(Database::Session& session, int64_t product_id, v1::Product& product) {
  auto rows = session.query("SELECT message, stock, sold_count FROM products WHERE product_id = ?1",
                            product_id);
  if (!rows.next()) return not_found(product_type, product_id);
  read(rows, product);
  return grpc::Status::OK;
}

grpc::Status get_product(Database::Session& session, const std::string& name,
                         v1::Product& product) {
  auto rows =
      session.query("SELECT message, stock, sold_count FROM products WHERE name = ?1", name);
  if (!rows.next()) return not_found(product_type, name);
  read(rows, product);
  return grpc::Status::OK;
}

void put_product(Database::Session& session, const v1::Product& product) {
  const auto [shop, category] = place_of(product.name());
  std::string tags = ",";
  for (const auto& tag : product.tags()) tags += tag + ",";
  session.run(
      "INSERT INTO products (product_id, name, shop, category, price_cents, tags, stock, "
      "sold_count, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (product_id) "
      "DO UPDATE SET price_cents = ?5, tags = ?6, stock = ?7, message = ?9",
      product.product_id(), product.name(), shop, category, product.price_cents(), tags,
      product.stock(), product.sold_count(), Blob{product.SerializeAsString()});
}

grpc::Status create_product(Database::Session& session, const std::string& shop,
                            const std::string& category, v1::Product& product) {
  if (!shop.empty() && !is_word(shop)) return invalid("shop", "is not a word, as in harbour");
  if (!category.empty() && !is_category(category)) {
    return invalid("category", "is not words between slashes, as in kitchen/knives");
  }
  clear_output_only(product);
  if (auto status = check(product); !status.ok()) return status;
  const int64_t id = session.integer("SELECT seq + 1 FROM sqlite_sequence WHERE name = 'products'");
  product.set_product_id(id);
  product.set_name("shops/" + (shop.empty() ? "harbour" : shop) + "/items/" +
                   (category.empty() ? "other" : category) + "/" + slug(product.title()) + "-" +
                   std::to_string(id));
  stamp(product);
  put_product(session, product);
  return grpc::Status::OK;
}

grpc::Status change_product(Database::Session& session, const v1::Product& patch,
                            const google::protobuf::FieldMask& mask, v1::Product& product) {
  if (auto status = get_product(session, patch.product_id(), product); !status.ok()) return status;
  if (auto status = check_etag(patch.etag(), product.etag()); !status.ok()) return status;
  const auto violations = update(patch, mask, product);
  if (!violations.empty()) return invalid(violations);
  if (auto status = check(product); !status.ok()) return status;
  stamp(product);
  put_product(session, product);
  return grpc::Status::OK;
}

grpc::Status list_products(Database::Session& session, const v1::ListProductsRequest& request,
                           v1::ListProductsResponse& response) {
  Page page;
  if (auto status = read_page(request, page); !status.ok()) return status;
  constexpr std::string_view shops = "shops/";
  std::string shop;
  if (!request.parent().empty()) {
    if (!request.parent().starts_with(shops)) return invalid("parent", "is not shops/...");
    shop = request.parent().substr(shops.size());
  }
  Cents range;
  const auto violations = read_range(request.price(), "price", range);
  if (!violations.empty()) return invalid(violations);
  if (!std::all_of(request.tags().begin(), request.tags().end(), is_word)) {
    return invalid("tags", "has one that is not lower-case letters, digits and hyphens");
  }
  const auto tags = json_array(request.tags());
  const bool newest_first = request.order_by() == v1::ListProductsRequest::NEWEST_FIRST;

  auto rows =
      session.query(newest_first ? newest_first_sql : oldest_first_sql, shop, request.category(),
                    range.min, range.max, request.in_stock_only(), tags, page.after, page.size + 1);
  while (rows.next()) {
    if (response.products_size() == page.size) {
      const auto& last = *response.products().rbegin();
      response.set_next_page_token(page_token(request, last.product_id()));
      break;
    }
    read(rows, *response.add_products());
  }
  response.set_total_size(static_cast<int32_t>(session.integer(
      count_sql, shop, request.category(), range.min, range.max, request.in_stock_only(), tags)));
  return grpc::Status::OK;
}

grpc::Status search_products(Database::Session& session, const v1::SearchProductsRequest& request,
                             v1::SearchProductsResponse& response) {
  Violations violations = missing_fields(request);
  if (request.limit() < 0) violations.push_back({"limit", "is negative"});
  check(request.criteria(), "", violations);
  if (!violations.empty()) return invalid(violations);
  const int limit =
      request.limit() == 0 ? page_size_default : std::min(request.limit(), page_size_max);

  auto rows = session.query("SELECT message, stock, sold_count FROM products ORDER BY product_id");
  v1::Product product;
  while (response.products_size() < limit && rows.next()) {
    read(rows, product);
    const bool found = std::all_of(request.criteria().begin(), request.criteria().end(),
                                   [&](const Criterion& c) { return holds(c, product); });
    if (found) *response.add_products() = product;
  }
  return grpc::Status::OK;
}

std::vector<v1::Product> products_after(Database::Session& session, const std::string& category,
                                        int64_t after, int limit) {
  std::vector<v1::Product> products;
  auto rows = session.query(oldest_first_sql, std::string_view(), category, 0,
                            std::numeric_limits<int64_t>::max(), false, std::string_view("[]"),
                            after, limit);
  while (rows.next()) read(rows, products.emplace_back());
  return products;
}

void list_categories(Database::Session& session, v1::ListCategoriesResponse& response) {
  auto rows =
      session.query("SELECT category, COUNT(*) FROM products GROUP BY category ORDER BY category");
  while (rows.next()) {
    std::string_view path = rows.text(0);
    auto* siblings = response.mutable_categories();
    while (!path.empty()) {
      const auto name = path.substr(0, path.find('/'));
      if (siblings->empty() || siblings->rbegin()->name() != name) {
        siblings->Add()->set_name(std::string(name));
      }
      auto& category = *siblings->rbegin();
      category.set_product_count(category.product_count() + static_cast<int>(rows.integer(1)));
      path.remove_prefix(std::min(path.size(), name.size() + 1));
      siblings = category.mutable_children();
    }
  }
}

}  // namespace shop
