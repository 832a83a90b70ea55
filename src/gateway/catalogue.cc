#include "gateway/catalogue.h"

#include "contract/known_types.h"
#include "service/builtin_contract.h"

namespace parley::gateway {
namespace {

const wire::Programs& builtin_programs() {
  static const wire::Programs programs(service::builtin_contract());
  return programs;
}

// What the settings say of methods is for clients. Operators must get in whatever it says, and
// their answers grow with what there is to tell.
const door::Settings& operators_settings() {
  static const door::Settings settings = {
      .rest = {}, .metadata = {}, .message_bytes_max = UINT32_MAX, .timeout = {}};
  return settings;
}

}  // namespace

const wire::Programs& known_programs() {
  static const wire::Programs programs(contract::known_types());
  return programs;
}

ListenerCatalogue::ListenerCatalogue(std::shared_ptr<const Snapshot> snapshot, Shelf& shelf,
                                     const Serve& serve, loop::Curfew& curfew)
    : snapshot_(std::move(snapshot)),
      shelf_(shelf),
      serve_(serve),
      curfew_(curfew),
      upstreams_(shelf.upstreams()) {
  std::vector<const door::Exposed*> routed;
  if (serve_.api) routed = snapshot_->exposed();
  for (const contract::Service& service : service::builtin_contract().services()) {
    if (!serves_builtin(service)) continue;
    const bool for_operators =
        serve_.for_operators() || service.full_name == service::kAdminService;
    const door::Settings& own = for_operators ? operators_settings() : snapshot_->settings().door;
    for (const contract::Method& method : service.methods) {
      builtin_.push_back({&method, &builtin_programs(), &own, "parley"});
      // Health and reflection are for gRPC clients; the admin's methods have routes.
      if (!method.rules.empty()) routed.push_back(&builtin_.back());
    }
  }
  if (serve_.api && !serve_.admin) return;     // the snapshot's own router will do
  std::vector<door::RouteConflict> conflicts;  // the API's own route wins
  own_router_ = door::RestRouter::build(routed, conflicts);
}

bool ListenerCatalogue::serves_builtin(const contract::Service& service) const {
  if (service.full_name == service::kHealthService) return serve_.health;
  if (service.full_name == service::kAdminService) return serve_.admin;
  return serve_.reflection;
}

const door::Exposed* ListenerCatalogue::find_method(std::string_view path) const {
  if (serve_.api) {
    if (const door::Exposed* found = snapshot_->find_method(path)) return found;
  }
  for (const door::Exposed& own : builtin_) {
    if (own.method->path == path) return &own;
  }
  return nullptr;
}

const wire::Programs* ListenerCatalogue::known_types() const { return &known_programs(); }

uint32_t ListenerCatalogue::metadata_bytes_max(const door::Exposed& exposed) const {
  // What Parley serves itself has no limit beside that of the header.
  if (exposed.method->service->contract == &service::builtin_contract()) return UINT32_MAX;
  return upstreams_[snapshot_->upstream_of(*exposed.method)]->cluster.metadata_bytes_max();
}

loop::Task<call::Outcome> ListenerCatalogue::serve(call::Call& call, call::Replies& replies) {
  const contract::Service& owner = *call.method->service;
  if (owner.contract == &service::builtin_contract())
    return shelf_.builtin(owner).serve(call, replies);
  return upstreams_[snapshot_->upstream_of(*call.method)]->caller.serve(call, replies);
}

}  // namespace parley::gateway
