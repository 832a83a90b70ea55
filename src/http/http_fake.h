#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"
#include "loop/loop.h"

namespace parley::http {

// Answers by the request's path, for tests of connections:
//
//   /echo      the body, chunk by chunk as it comes, then the request's trailers
//   /whole     the whole body in one finish_with
//   /head      "VERB TARGET AUTHORITY" and the request's fields, one a line; reads no body
//   /empty     204, no body
//   /big/N     N bytes of 'x' in writes of 16 KiB
//   /wait      reads no body; 200 "waited" once `go` is notified
//   /late      begins its answer, and says "late" once `go` is notified
//   /nothing   returns without an answer
//   /reset     writes "part", then resets
//   /inform    an interim 103 with a link, then 200 "informed"
//   /slow-read reads one chunk of the body each time `go` is notified
//   /last      close_after, then 200 "last"
//
// Tests add their own; an unknown path is answered 404. What HTTP refuses is answered with the
// failure's status and "reason: message" as text.
class FakeService final : public ExchangeService {
 public:
  using Handler = loop::Task<void> (*)(FakeService&, Exchange&);

  explicit FakeService(loop::Loop& loop);
  loop::Task<void> serve(Exchange& exchange) override;
  loop::Task<void> refuse(Exchange& exchange, Failure failure) override;

  std::map<std::string, Handler, std::less<>> handlers;
  loop::Signal go;
  size_t started = 0;                 // tasks of `serve`, without refusals
  size_t completed = 0;               // that ran to their end
  size_t cancelled = 0;               // that were destroyed before
  std::vector<Record> records;        // one an exchange, as it was when its task was gone
  std::vector<std::string> bodies;    // what /whole and /slow-read have read
  std::vector<std::string> failures;  // "reason: message" of failed reads and writes, and refusals
  std::vector<std::string> limits;    // that refusals named

 private:
  class Visit;
};

// Writes 200 with this body and its length.
void answer_text(Exchange& exchange, std::string_view text);

}  // namespace parley::http
