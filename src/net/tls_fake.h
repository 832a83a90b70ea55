#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls_settings.h"

namespace parley::net {

// A private authority for tests, with a folder of its own for the PEM files that it makes; both go
// when it does.
class FakeAuthority {
 public:
  FakeAuthority();
  ~FakeAuthority();
  FakeAuthority(const FakeAuthority&) = delete;
  FakeAuthority& operator=(const FakeAuthority&) = delete;

  struct Wanted {
    std::vector<std::string> names;  // "DNS:a.test", "URI:spiffe://a.test/x", "IP:127.0.0.1"
    std::string common_name = "test";
    long valid_for_seconds = 3600;  // from now; negative: it has expired
    bool rsa = false;               // else ECDSA, P-256
  };
  CertificateFiles issue(const Wanted& wanted);
  CertificateFiles issue(std::vector<std::string> names) { return issue(Wanted{std::move(names)}); }

  const std::string& ca() const { return ca_; }  // the authority's own certificate
  // A path in the folder; `write` puts a file there.
  std::string path(std::string_view name) const;
  std::string write(std::string_view name, std::string_view content) const;

 private:
  struct Keys;

  std::string folder_;
  std::string ca_;
  std::unique_ptr<Keys> keys_;
  int issued_ = 0;
};

}  // namespace parley::net
