#pragma once

#include "edge/log_sink.h"
#include "http/exchange.h"
#include "loop/loop.h"
#include "observe/metrics.h"

namespace parley::edge {

// The outermost layer: counts every exchange when it ends, in whichever way (also when its task is
// destroyed because the client went away), and writes its line to the log. What doors and upstreams
// note in the exchange's Record is what it knows.
class AccessLog final : public http::ExchangeService {
 public:
  // All are borrowed for the layer's life. `sink` nullptr: no log, and no cost of rendering.
  AccessLog(loop::Loop& loop, http::ExchangeService& next, observe::Metrics& metrics, LogSink* sink)
      : loop_(loop), next_(next), metrics_(metrics), sink_(sink) {}

  loop::Task<void> serve(http::Exchange& exchange) override;
  loop::Task<void> refuse(http::Exchange& exchange, Failure failure) override;

 private:
  class Visit;

  void ended(http::Exchange& exchange, bool returned);
  void count(const http::Record& record, Duration duration);
  void write_line(const http::Exchange& exchange, Duration duration);

  loop::Loop& loop_;
  http::ExchangeService& next_;
  observe::Metrics& metrics_;
  LogSink* const sink_;
};

}  // namespace parley::edge
