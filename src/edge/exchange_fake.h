#pragma once

#include <string>
#include <string_view>

#include "http/exchange.h"
#include "loop/loop.h"

namespace parley::edge {

// An exchange without a connection: what a layer notes and answers stays here to be looked at.
class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(loop::Loop& loop, std::string_view verb, std::string_view target,
               std::string_view authority = "localhost");

  http::Version version() const override { return http::Version::Http2; }
  const net::Address& peer() const override { return peer_address; }
  const net::TlsInfo& tls() const override { return tls_info; }
  loop::Task<Result<Bytes>> read() override;
  const Fields& trailers() const override { return trailers_; }
  bool request_ended() const override { return true; }
  std::optional<uint64_t> content_length() const override { return std::nullopt; }
  void inform(uint16_t, const Fields&) override {}
  void begin(http::ResponseHead head, bool ends) override;
  loop::Task<Result<void>> write(Bytes bytes) override;
  void finish(Fields trailers) override;
  void finish_with(Bytes last) override;
  void reset(Code code) override;
  bool finished() const override { return finished_; }
  void close_after() override {}

  void add(std::string_view name, std::string_view value) { request_.fields.add(name, value); }

  net::Address peer_address;
  net::TlsInfo tls_info;
  http::ResponseHead head;
  std::string body;

 private:
  Fields trailers_;
  bool finished_ = false;
};

}  // namespace parley::edge
