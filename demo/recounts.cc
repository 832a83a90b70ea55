#include <algorithm>

#include <grpcpp/alarm.h>

#include "aip.h"
#include "google/longrunning/operations.grpc.pb.h"
#include "services.h"
#include "stock.h"

namespace shop {

namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;
namespace lro = google::longrunning;

// Answers when the operation is done, or the caller's patience has ended.
class Wait final : public grpc::ServerUnaryReactor {
 public:
  Wait(Database& database, const lro::WaitOperationRequest& request, lro::Operation& operation)
      : database_(database), request_(request), operation_(operation) {
    begin();
  }

  void OnCancel() override { alarm_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  void begin() {
    const auto status = read();
    if (!status.ok() || operation_.done()) return Finish(status);
    v1::RecountMetadata metadata;
    operation_.metadata().UnpackTo(&metadata);
    int64_t wake_ms = milliseconds(metadata.end_time());
    if (request_.has_timeout()) {
      wake_ms = std::min(wake_ms, now_ms() + milliseconds(request_.timeout()));
    }
    alarm_.Set(std::chrono::system_clock::time_point(std::chrono::milliseconds(wake_ms)),
               [this](bool) { Finish(read()); });
  }

  grpc::Status read() {
    auto session = database_.session();
    operation_.Clear();
    return get_recount(session, request_.name(), operation_);
  }

  Database& database_;
  const lro::WaitOperationRequest& request_;
  lro::Operation& operation_;
  grpc::Alarm alarm_;
};

class Recounts final : public lro::Operations::CallbackService {
 public:
  explicit Recounts(Database& database) : database_(database) {}

  Reactor* ListOperations(Context* context, const lro::ListOperationsRequest* request,
                          lro::ListOperationsResponse* response) override {
    auto session = database_.session();
    return finish(context, list_recounts(session, *request, *response));
  }

  Reactor* GetOperation(Context* context, const lro::GetOperationRequest* request,
                        lro::Operation* operation) override {
    auto session = database_.session();
    return finish(context, get_recount(session, request->name(), *operation));
  }

  Reactor* CancelOperation(Context* context, const lro::CancelOperationRequest* request,
                           google::protobuf::Empty*) override {
    auto session = database_.session();
    return finish(context, end_recount(session, request->name()));
  }

  Reactor* WaitOperation(Context*, const lro::WaitOperationRequest* request,
                         lro::Operation* operation) override {
    return new Wait(database_, *request, *operation);
  }

 private:
  Database& database_;
};

}  // namespace

Service recounts_service(Database& catalogue) {
  return {lro::Operations::service_full_name(), std::make_unique<Recounts>(catalogue)};
}

}  // namespace shop
