#pragma once

#include <optional>
#include <vector>

#include "config/keys.h"
#include "gateway/place.h"
#include "net/tls_settings.h"
#include "upstream/settings.h"

namespace parley::config {

// `listeners[].tls`.
Keys<net::TlsServerSettings> tls_server_keys();

// Makes its paths relative to the file, and loads what they name: what is wrong with a file is a
// problem where its name stands.
void check_tls(Reader& reader, const Node& node, net::TlsServerSettings& tls);

// `upstreams.NAME.tls`, and the same for it.
Keys<net::TlsClientSettings> tls_client_keys();
void check_tls(Reader& reader, const Node& node, net::TlsClientSettings& tls);

// Notes where the files that it names stand.
void note_tls_files(const Reader& reader, const Node& node, gateway::FilePlaces& places);

// Takes `https://` from the endpoints and turns TLS on for it. Wrong: only some of them have it.
std::optional<Wrong> take_scheme(upstream::Settings& upstream);

// What is wrong with certificates and keys that a command line names.
std::vector<net::TlsProblem> problems_of(const std::vector<net::CertificateFiles>& files);

}  // namespace parley::config
