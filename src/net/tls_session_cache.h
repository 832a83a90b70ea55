#pragma once

#include <memory>

namespace parley::net {

// Sessions that one server has offered to resume, for the next connections to it: a resumed
// handshake costs neither side a signature (RFC 8446, 2.2). Of one thread. One that was agreed on
// by other certificates or rules (an older TlsClientContext), or whose server's certificate has
// expired since, is not offered.
class TlsSessionCache {
 public:
  TlsSessionCache();
  ~TlsSessionCache();

  struct Sessions;
  Sessions& sessions() { return *sessions_; }

 private:
  std::unique_ptr<Sessions> sessions_;
};

}  // namespace parley::net
