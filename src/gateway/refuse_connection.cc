#include "gateway/refuse_connection.h"

#include <utility>

#include "loop/combine.h"

namespace parley::gateway {
namespace {

constexpr Duration kRefusalTime = std::chrono::seconds(2);

class Refusal final : public http::ExchangeService {
 public:
  Refusal(http::ExchangeService& next, Failure failure)
      : next_(next), failure_(std::move(failure)) {}
  loop::Task<void> serve(http::Exchange& exchange) override {
    exchange.close_after();
    return next_.refuse(exchange, failure_.clone());
  }
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override {
    return next_.refuse(exchange, std::move(failure));
  }

 private:
  http::ExchangeService& next_;
  const Failure failure_;
};

loop::Task<Result<void>> serve_refusal(std::unique_ptr<net::ByteStream> stream,
                                       const http::ServerContext& context, Failure failure) {
  Refusal refusal(context.service, std::move(failure));
  const http::ServerContext refusing{context.loop, refusal, context.settings, context.drain};
  co_await http::serve_connection(std::move(stream), refusing);
  co_return {};
}

}  // namespace

loop::Task<void> refuse_connection(std::unique_ptr<net::ByteStream> stream,
                                   const http::ServerContext& context, Failure failure) {
  const Instant end = deadline_after(context.loop.now(), kRefusalTime);
  (void)co_await loop::with_deadline(
      context.loop, serve_refusal(std::move(stream), context, std::move(failure)), end);
}

}  // namespace parley::gateway
