#include "gateway/refuse_connection.h"

#include <utility>

#include "loop/combine.h"

namespace parley::gateway {
namespace {

constexpr Duration kRefusalTime = std::chrono::seconds(2);

class Refusal final : public http::ExchangeService {
 public:
  Refusal(http::ExchangeService& next, std::string_view limit) : next_(next), limit_(limit) {}
  loop::Task<void> serve(http::Exchange& exchange) override {
    exchange.close_after();
    return next_.refuse(exchange, Failure::limit(limit_, "there are too many connections"));
  }
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override {
    return next_.refuse(exchange, std::move(failure));
  }

 private:
  http::ExchangeService& next_;
  const std::string_view limit_;
};

loop::Task<Result<void>> serve_refusal(std::unique_ptr<net::ByteStream> stream,
                                       const http::ServerContext& context, std::string_view limit) {
  Refusal refusal(context.service, limit);
  const http::ServerContext refusing{context.loop, refusal, context.settings, context.drain};
  co_await http::serve_connection(std::move(stream), refusing);
  co_return {};
}

}  // namespace

loop::Task<void> refuse_connection(std::unique_ptr<net::ByteStream> stream,
                                   const http::ServerContext& context, std::string_view limit) {
  const Instant end = deadline_after(context.loop.now(), kRefusalTime);
  (void)co_await loop::with_deadline(context.loop, serve_refusal(std::move(stream), context, limit),
                                     end);
}

}  // namespace parley::gateway
