#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "call/call.h"
#include "contract/model.h"
#include "door/settings.h"
#include "loop/combine.h"
#include "wire/program.h"

namespace parley::door {

class RestRouter;

// A method that is served, and what it takes to transcode it. Immutable, shared by every shard,
// owned by the snapshot. The four pointers live as long.
struct Exposed {
  const contract::Method* method = nullptr;
  const wire::Programs* programs = nullptr;  // of its contract
  const Settings* settings = nullptr;        // all of them, merged for this method
  std::string_view upstream;                 // its name, for messages to people
};

// A snapshot as the doors see it, on one shard. Counted by CatalogueRef, so that a running call
// keeps what it started with; the count is not atomic, the last reference deletes.
class Catalogue {
 public:
  Catalogue() = default;
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;
  virtual ~Catalogue() = default;

  // The method behind "/pkg.Service/Method"; nullptr: unknown, or not exposed.
  virtual const Exposed* find_method(std::string_view path) const = 0;
  virtual const RestRouter& router() const = 0;
  // Where calls go: policies, then upstreams, of this shard.
  virtual call::CallService& service() = 0;
  // For requests that match no method.
  virtual const Settings& settings() const = 0;
  // The types that every answer may hold: google.rpc.*, above all. May be null.
  virtual const wire::Programs* known_types() const = 0;
  // Why contracts are not here yet, in words for the caller; empty: all of them are. Meanwhile a
  // request that matches nothing is answered 503, not 404.
  virtual std::string_view pending() const = 0;
  // What the method's upstream takes as header list (SETTINGS_MAX_HEADER_LIST_SIZE).
  virtual uint32_t metadata_bytes_max(const Exposed& exposed) const {
    (void)exposed;
    return kMetadataBytesDefault;
  }
  // What ends calls before their deadlines; may be null.
  virtual loop::Curfew* curfew() { return nullptr; }
  static constexpr uint32_t kMetadataBytesDefault = 8 * 1024;

 private:
  friend class CatalogueRef;
  uint32_t references_ = 0;
};

// Keeps a catalogue alive. Stays on its shard.
class CatalogueRef {
 public:
  CatalogueRef() = default;
  explicit CatalogueRef(Catalogue* catalogue) : catalogue_(catalogue) {
    if (catalogue_) ++catalogue_->references_;
  }
  CatalogueRef(const CatalogueRef& other) : CatalogueRef(other.catalogue_) {}
  CatalogueRef(CatalogueRef&& other) noexcept
      : catalogue_(std::exchange(other.catalogue_, nullptr)) {}
  CatalogueRef& operator=(CatalogueRef other) noexcept {
    std::swap(catalogue_, other.catalogue_);
    return *this;
  }
  ~CatalogueRef() {
    if (catalogue_ && --catalogue_->references_ == 0) delete catalogue_;
  }

  Catalogue& operator*() const { return *catalogue_; }
  Catalogue* operator->() const { return catalogue_; }
  explicit operator bool() const { return catalogue_ != nullptr; }

 private:
  Catalogue* catalogue_ = nullptr;
};

}  // namespace parley::door
