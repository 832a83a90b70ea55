#include "net/put_back.h"

#include <utility>

namespace parley::net {
namespace {

class PutBackStream final : public ByteStream {
 public:
  PutBackStream(std::unique_ptr<ByteStream> inner, Bytes first, const std::optional<Address>& peer)
      : ByteStream(inner->loop()),
        inner_(std::move(inner)),
        first_(std::move(first)),
        peer_(peer.value_or(inner_->peer())) {}

  Result<std::optional<Bytes>> try_read() override {
    if (!first_.empty()) return std::optional(std::exchange(first_, {}));
    return inner_->try_read();
  }
  loop::Signal& readable() override { return inner_->readable(); }
  void write(Bytes bytes) override { inner_->write(std::move(bytes)); }
  void write_copy(std::string_view bytes) override { inner_->write_copy(bytes); }
  size_t unsent() const override { return inner_->unsent(); }
  loop::Signal& writable() override { return inner_->writable(); }
  void shutdown() override { inner_->shutdown(); }
  void abort() override { inner_->abort(); }
  bool broken() const override { return inner_->broken(); }
  const Address& peer() const override { return peer_; }
  const Address& local() const override { return inner_->local(); }
  const TlsInfo& tls() const override { return inner_->tls(); }

 private:
  std::unique_ptr<ByteStream> inner_;
  Bytes first_;
  const Address peer_;
};

}  // namespace

std::unique_ptr<ByteStream> put_back(std::unique_ptr<ByteStream> stream, Bytes first,
                                     const std::optional<Address>& peer) {
  return std::make_unique<PutBackStream>(std::move(stream), std::move(first), peer);
}

}  // namespace parley::net
