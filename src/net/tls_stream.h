#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/byte_stream.h"
#include "net/tls_context.h"
#include "net/tls_session_cache.h"

namespace parley::net {

// TLS over another stream, which it owns from now on. Until `deadline` the handshake is through, or
// a failure says in what it ended: its detail is one word for counters (see below), its message the
// whole story. A peer that can still read has got an alert.
//
// `plain`: where the stream comes back, all of it unread, when the client speaks HTTP in clear
// text: nobody has said anything to it yet. nullptr: such a client is left without a word.
//
// The stream has no buffer while nothing is on its way. Small writes of one turn leave in one
// record. An end without close_notify is a failure, for it may be somebody else's (RFC 8446, 6.1).
loop::Task<Result<std::unique_ptr<ByteStream>>> accept_tls(std::unique_ptr<ByteStream> stream,
                                                           TlsServerContext context,
                                                           Instant deadline,
                                                           std::unique_ptr<ByteStream>* plain);

// The same as a client, with the certificate verified for `server_name` (a DNS name or an address)
// where the settings say so. The caller looks into tls().alpn. `sessions` of the same server, which
// outlive the stream, make for a shorter handshake; null: none.
loop::Task<Result<std::unique_ptr<ByteStream>>> connect_tls(std::unique_ptr<ByteStream> stream,
                                                            TlsClientContext context,
                                                            std::string server_name,
                                                            TlsSessionCache* sessions,
                                                            Instant deadline);

// The causes of failed handshakes, for counters.
namespace tls_cause {
inline constexpr std::string_view kTimeout = "timeout";
inline constexpr std::string_view kClosed = "closed";            // by the peer, without a word
inline constexpr std::string_view kNoTls = "no_tls";             // the peer speaks something else
inline constexpr std::string_view kVersion = "version";          // none in common
inline constexpr std::string_view kCipher = "cipher";            // none in common
inline constexpr std::string_view kAlpn = "alpn";                // no protocol in common
inline constexpr std::string_view kCertificate = "certificate";  // the peer's: missing, or not good
inline constexpr std::string_view kRefused = "refused";          // the peer has sent an alert
inline constexpr std::string_view kProtocol = "protocol";        // anything else that is against it
}  // namespace tls_cause

}  // namespace parley::net
