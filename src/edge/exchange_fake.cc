#include "edge/exchange_fake.h"

#include <utility>

namespace parley::edge {

FakeExchange::FakeExchange(loop::Loop& loop, std::string_view verb, std::string_view target,
                           std::string_view authority)
    : peer_address(net::Address::loopback(40000)) {
  request_.fields.add(FieldId::PseudoMethod, verb);
  request_.fields.add(FieldId::PseudoAuthority, authority);
  request_.fields.add(FieldId::PseudoPath, target);
  record_.started = loop.now();
}

loop::Task<Result<Bytes>> FakeExchange::read() { co_return Bytes(); }

void FakeExchange::begin(http::ResponseHead answer, bool ends) {
  record_.status = answer.status;
  head = std::move(answer);
  add_answer_fields(head);
  finished_ = ends;
}

loop::Task<Result<void>> FakeExchange::write(Bytes bytes) {
  record_.response_bytes += bytes.size();
  body += bytes.view();
  co_return {};
}

void FakeExchange::finish(Fields) { finished_ = true; }

void FakeExchange::finish_with(Bytes last) {
  record_.response_bytes += last.size();
  body += last.view();
  finished_ = true;
}

void FakeExchange::reset(Code) {
  record_.reset = true;
  finished_ = true;
}

}  // namespace parley::edge
