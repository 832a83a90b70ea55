#pragma once

#include <deque>
#include <memory>

#include "door/catalogue.h"
#include "door/rest_router.h"
#include "gateway/request_path.h"
#include "gateway/snapshot.h"

namespace parley::gateway {

// A snapshot as the doors of one listener see it, with Parley's own services where the listener
// serves them. It keeps the upstreams that its calls may go to.
class ListenerCatalogue final : public door::Catalogue, private call::CallService {
 public:
  ListenerCatalogue(std::shared_ptr<const Snapshot> snapshot, Shelf& shelf, const Serve& serve,
                    loop::Curfew& curfew);

  const door::Exposed* find_method(std::string_view path) const override;
  const door::RestRouter& router() const override {
    return own_router_ ? *own_router_ : snapshot_->router();
  }
  call::CallService& service() override { return *this; }
  const door::Settings& settings() const override { return snapshot_->settings().door; }
  const wire::Programs* known_types() const override;
  std::string_view pending() const override {
    return serve_.api ? snapshot_->pending() : std::string_view();
  }
  uint32_t metadata_bytes_max(const door::Exposed& exposed) const override;
  loop::Curfew* curfew() override { return &curfew_; }

 private:
  loop::Task<call::Outcome> serve(call::Call& call, call::Replies& replies) override;
  bool serves_builtin(const contract::Service& service) const;

  const std::shared_ptr<const Snapshot> snapshot_;
  Shelf& shelf_;
  const Serve serve_;
  loop::Curfew& curfew_;
  const std::vector<std::shared_ptr<UpstreamAccess>> upstreams_;  // in the settings' order
  std::deque<door::Exposed> builtin_;
  std::optional<door::RestRouter> own_router_;  // where it is not the snapshot's
};

}  // namespace parley::gateway
