#include "aip.h"
#include "products.h"
#include "seed.h"
#include "services.h"
#include "shop/v1/catalogue.grpc.pb.h"
#include "stock.h"

namespace shop {

namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

constexpr size_t image_bytes_max = 1 << 20;
constexpr int export_page = 200;
constexpr int rejections_max = 100;

std::string quoted(const std::string& text) {  // RFC 4180.
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

// Writes a page when the last one has left, so that a slow reader costs one page of memory.
class Export final : public grpc::ServerWriteReactor<google::api::HttpBody> {
 public:
  Export(Database& database, std::string category)
      : database_(database), category_(std::move(category)) {
    body_.set_content_type("text/csv; charset=utf-8");
    body_.set_data("product_id,name,title,price,currency,stock\r\n");
    StartWrite(&body_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    if (!next_page()) return Finish(grpc::Status::OK);
    StartWrite(&body_);
  }
  void OnDone() override { delete this; }

 private:
  bool next_page() {
    auto session = database_.session();
    const auto products = products_after(session, category_, last_id_, export_page);
    std::string& lines = *body_.mutable_data();
    lines.clear();
    for (const auto& product : products) {
      char price[32];
      std::snprintf(price, sizeof price, "%lld.%02lld",
                    static_cast<long long>(product.price_cents() / 100),
                    static_cast<long long>(product.price_cents() % 100));
      lines += std::to_string(product.product_id()) + "," + product.name() + "," +
               quoted(product.title()) + "," + price + ",EUR," + std::to_string(product.stock()) +
               "\r\n";
    }
    if (!products.empty()) last_id_ = products.back().product_id();
    return !products.empty();
  }

  Database& database_;
  const std::string category_;
  int64_t last_id_ = 0;
  google::api::HttpBody body_;
};

// Each row stands for itself: a bad one is reported and does not stop the others.
class Upload final : public grpc::ServerReadReactor<v1::UploadProductsRequest> {
 public:
  Upload(Database& database, v1::UploadProductsResponse& response)
      : database_(database), response_(response) {
    StartRead(&row_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    ++rows_;
    if (const auto status = store(); !status.ok()) reject(status);
    StartRead(&row_);
  }
  void OnDone() override { delete this; }

 private:
  grpc::Status store() {
    auto session = database_.session();
    v1::Product product = row_.product();
    if (product.product_id() == 0) {
      auto status = create_product(session, row_.shop(), row_.category(), product);
      if (status.ok()) response_.set_created_count(response_.created_count() + 1);
      return status;
    }
    google::protobuf::FieldMask everything;
    everything.add_paths("*");
    auto status = change_product(session, row_.product(), everything, product);
    if (status.ok()) response_.set_replaced_count(response_.replaced_count() + 1);
    return status;
  }

  void reject(const grpc::Status& status) {
    response_.set_rejected_count(response_.rejected_count() + 1);
    if (response_.rejections_size() == rejections_max) return;
    auto* rejection = response_.add_rejections();
    rejection->set_row(rows_);
    rejection->mutable_status()->ParseFromString(status.error_details());
  }

  Database& database_;
  v1::UploadProductsResponse& response_;
  v1::UploadProductsRequest row_;
  int64_t rows_ = 0;
};

grpc::Status get_image(Database::Session& session, int64_t product_id,
                       google::api::HttpBody& image) {
  v1::Product product;
  if (auto status = get_product(session, product_id, product); !status.ok()) return status;
  auto rows =
      session.query("SELECT content_type, data FROM images WHERE product_id = ?1", product_id);
  if (rows.next()) {
    image.set_content_type(std::string(rows.text(0)));
    image.set_data(std::string(rows.text(1)));
  } else {
    image.set_content_type("image/svg+xml");
    image.set_data(drawing(product));
  }
  return grpc::Status::OK;
}

grpc::Status set_image(Database::Session& session, const v1::SetProductImageRequest& request,
                       v1::ImageInfo& info) {
  const auto& image = request.image();
  v1::Product product;
  if (auto status = get_product(session, request.product_id(), product); !status.ok()) {
    return status;
  }
  if (!image.content_type().starts_with("image/")) {
    return invalid("image.content_type", "is not image/*");
  }
  if (image.data().empty()) return invalid("image.data", "is required");
  if (image.data().size() > image_bytes_max) return invalid("image.data", "is larger than 1 MiB");
  session.run(
      "INSERT INTO images (product_id, content_type, data) VALUES (?1, ?2, ?3) "
      "ON CONFLICT (product_id) DO UPDATE SET content_type = ?2, data = ?3",
      request.product_id(), image.content_type(), Blob{image.data()});
  info.set_content_type(image.content_type());
  info.set_size_bytes(static_cast<int64_t>(image.data().size()));
  return grpc::Status::OK;
}

grpc::Status delete_product(Database::Session& session, const v1::DeleteProductRequest& request) {
  v1::Product product;
  auto status = get_product(session, request.product_id(), product);
  if (status.ok()) status = check_etag(request.etag(), product.etag());
  if (!status.ok()) return status;
  Database::Transaction transaction(session);
  session.run("DELETE FROM products WHERE product_id = ?1", request.product_id());
  session.run("DELETE FROM images WHERE product_id = ?1", request.product_id());
  transaction.commit();
  return grpc::Status::OK;
}

class Catalogue final : public v1::Catalogue::CallbackService {
 public:
  explicit Catalogue(Database& database) : database_(database) {}

  Reactor* GetProduct(Context* context, const v1::GetProductRequest* request,
                      v1::Product* product) override {
    auto session = database_.session();
    if (request->key_case() == v1::GetProductRequest::KEY_NOT_SET) {
      return finish(context, invalid("product_id", "or name is required"));
    }
    const auto status = request->has_name() ? get_product(session, request->name(), *product)
                                            : get_product(session, request->product_id(), *product);
    if (status.ok()) send_etag(context, product->etag());
    return finish(context, status);
  }

  Reactor* ListProducts(Context* context, const v1::ListProductsRequest* request,
                        v1::ListProductsResponse* response) override {
    auto session = database_.session();
    return finish(context, list_products(session, *request, *response));
  }

  Reactor* SearchProducts(Context* context, const v1::SearchProductsRequest* request,
                          v1::SearchProductsResponse* response) override {
    auto session = database_.session();
    return finish(context, search_products(session, *request, *response));
  }

  Reactor* BatchGetProducts(Context* context, const v1::BatchGetProductsRequest* request,
                            v1::BatchGetProductsResponse* response) override {
    auto status = check_batch(request->product_ids_size(), "product_ids");
    auto session = database_.session();
    for (int i = 0; status.ok() && i < request->product_ids_size(); ++i) {
      status = get_product(session, request->product_ids(i), *response->add_products());
    }
    return finish(context, status);
  }

  Reactor* ListCategories(Context* context, const google::protobuf::Empty*,
                          v1::ListCategoriesResponse* response) override {
    auto session = database_.session();
    list_categories(session, *response);
    context->AddInitialMetadata("cache-control", "public, max-age=60");
    return finish(context, grpc::Status::OK);
  }

  Reactor* CreateProduct(Context* context, const v1::CreateProductRequest* request,
                         v1::Product* product) override {
    auto session = database_.session();
    *product = request->product();
    const auto status = create_product(session, request->shop(), request->category(), *product);
    if (status.ok()) {
      send_location(context, "/v1/products/", product->product_id());
      send_etag(context, product->etag());
    }
    return finish(context, status);
  }

  Reactor* UpdateProduct(Context* context, const v1::UpdateProductRequest* request,
                         v1::Product* product) override {
    auto session = database_.session();
    const auto status =
        change_product(session, request->product(), request->update_mask(), *product);
    if (status.ok()) send_etag(context, product->etag());
    return finish(context, status);
  }

  Reactor* DeleteProduct(Context* context, const v1::DeleteProductRequest* request,
                         google::protobuf::Empty*) override {
    auto session = database_.session();
    return finish(context, delete_product(session, *request));
  }

  Reactor* GetProductImage(Context* context, const v1::GetProductImageRequest* request,
                           google::api::HttpBody* image) override {
    auto session = database_.session();
    context->AddInitialMetadata("cache-control", "public, max-age=60");
    return finish(context, get_image(session, request->product_id(), *image));
  }

  Reactor* SetProductImage(Context* context, const v1::SetProductImageRequest* request,
                           v1::ImageInfo* info) override {
    auto session = database_.session();
    return finish(context, set_image(session, *request, *info));
  }

  grpc::ServerReadReactor<v1::UploadProductsRequest>* UploadProducts(
      Context*, v1::UploadProductsResponse* response) override {
    return new Upload(database_, *response);
  }

  grpc::ServerWriteReactor<google::api::HttpBody>* ExportProducts(
      Context*, const v1::ExportProductsRequest* request) override {
    return new Export(database_, request->category());
  }

  Reactor* ReserveStock(Context* context, const v1::ReserveStockRequest* request,
                        v1::Reservation* reservation) override {
    auto session = database_.session();
    return finish(context, reserve_stock(session, *request, *reservation));
  }

  Reactor* ReleaseStock(Context* context, const v1::ReleaseStockRequest* request,
                        google::protobuf::Empty*) override {
    auto session = database_.session();
    return finish(context, release_stock(session, *request));
  }

  Reactor* RecountStock(Context* context, const v1::RecountStockRequest* request,
                        google::longrunning::Operation* operation) override {
    auto session = database_.session();
    return finish(context, begin_recount(session, *request, *operation));
  }

  Reactor* GetPrice(Context* context, const v1::GetPriceRequest* request,
                    google::type::Money* price) override {
    auto session = database_.session();
    v1::Product product;
    const auto status = get_product(session, request->product_id(), product);
    *price = product.price();
    return finish(context, status);
  }

 private:
  Database& database_;
};

}  // namespace

Services catalogue_services(Database& database) {
  database.create(catalogue_schema, [](Database::Session& session) {
    for (int64_t id = 1; id <= product_count; ++id) put_product(session, seed_product(id));
  });
  Services services;
  services.push_back({v1::Catalogue::service_full_name(), std::make_unique<Catalogue>(database)});
  services.push_back(recounts_service(database));
  return services;
}

}  // namespace shop
