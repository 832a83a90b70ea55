#include "config/tls.h"

#include <chrono>

#include <fmt/format.h>

#include "config/settings_keys.h"
#include "net/tls_context.h"

namespace parley::config {
namespace {

using namespace std::chrono_literals;
using net::CertificateFiles;
using net::ClientAuth;
using net::TlsClientSettings;
using net::TlsServerSettings;
using net::TlsVersion;

Word<TlsVersion> version() {
  return choice<TlsVersion>({{"1.2", TlsVersion::Tls12}, {"1.3", TlsVersion::Tls13}});
}

Keys<CertificateFiles> certificate_keys() {
  return {
      one("cert", &CertificateFiles::cert, text("path"),
          "The certificate, and behind it the chain to its root (PEM)."),
      one("key", &CertificateFiles::key, text("path"), "Its private key (PEM, no password)."),
  };
}

Elements<CertificateFiles> certificate_elements() {
  return {certificate_keys(), "", {}, [](Reader& reader, const Node& node, CertificateFiles&) {
            if (node.kind != Node::Kind::Map) return;
            for (const std::string_view key : {"cert", "key"}) {
              if (!node.find(key)) reader.missing_key(node.at, "certificates", key);
            }
          }};
}

// `cert` and `key` beside `certificates`: the first one, where there is only one.
Key<TlsServerSettings> first_key(const Key<CertificateFiles>& key) {
  return {key.name,
          [read = key.read](Reader& reader, const Node& node, TlsServerSettings& target) {
            if (target.certificates.empty()) target.certificates.emplace_back();
            read(reader, node, target.certificates.front());
          },
          [rows = key.rows](const TlsServerSettings&) { return rows({}); }};
}

// Where the file of a problem is named.
Position place_of(const Reader& reader, const Node& node, const net::TlsProblem& problem) {
  if (const Node* word = node.find(problem.setting);
      word && reader.beside(word->word) == problem.path)
    return word->at;
  if (const Node* list = node.find("certificates")) {
    for (const Node& item : list->items) {
      const Node* word = item.find(problem.setting);
      if (word && reader.beside(word->word) == problem.path) return word->at;
    }
  }
  return node.at;
}

void note_words(const Reader& reader, const Node& node, gateway::FilePlaces& places) {
  for (const std::string_view setting : {"cert", "key", "client_ca", "ca"}) {
    if (const Node* word = node.find(setting); word && word->kind == Node::Kind::Word)
      places[reader.beside(word->word)] = reader.place(word->at);
  }
}

void report(Reader& reader, const Node& node, std::vector<net::TlsProblem> problems) {
  for (net::TlsProblem& problem : problems) {
    const Position at = place_of(reader, node, problem);
    std::string what = fmt::format("{}: {}", problem.setting, problem.what);
    if (problem.warning)
      reader.warning(at, std::move(what), std::move(problem.remedy));
    else
      reader.error(at, std::move(what), std::move(problem.remedy));
  }
}

// Whether all that is needed is named.
bool is_complete(Reader& reader, const Node& node, const TlsServerSettings& tls) {
  const bool list = node.find("certificates");
  const bool pair = node.find("cert") || node.find("key");
  bool complete = true;
  const auto wrong = [&](std::string what, std::string remedy) {
    reader.error(node.at, std::move(what), std::move(remedy));
    complete = false;
  };
  if (list && pair) {
    wrong("tls: certificates stand there in two ways",
          "move `cert` and `key` into the list of `certificates`");
  } else if (!list || pair) {
    for (const std::string_view key : {"cert", "key"}) {
      if (node.find(key)) continue;
      reader.missing_key(node.at, "tls", key);
      complete = false;
    }
  } else if (tls.certificates.empty()) {
    wrong("tls: there is no certificate", "write `certificates: [{cert: ..., key: ...}]`");
  }
  const bool asks = tls.client_auth != ClientAuth::Off;
  if (asks && tls.client_ca.empty()) {
    reader.missing_key(node.at, "tls", "client_ca");
    complete = false;
  } else if (!asks && !tls.client_ca.empty()) {
    wrong("tls: client_ca is of no use while client_auth is off",
          "write `client_auth: require`, or `request`");
  }
  for (const CertificateFiles& one : tls.certificates)
    complete = complete && !one.cert.empty() && !one.key.empty();
  return complete;
}

}  // namespace

Keys<TlsServerSettings> tls_server_keys() {
  Keys<TlsServerSettings> keys;
  for (const Key<CertificateFiles>& key : certificate_keys()) keys.push_back(first_key(key));
  keys.push_back(list("certificates", &TlsServerSettings::certificates, certificate_elements(),
                      "Several of them: the names in them and the client's server name (SNI) "
                      "choose, the first is for all other names."));
  keys.push_back(one("min_version", &TlsServerSettings::min_version, version(),
                     "The oldest version that is spoken."));
  keys.push_back(
      one("client_auth", &TlsServerSettings::client_auth,
          choice<ClientAuth>({{"off", ClientAuth::Off},
                              {"request", ClientAuth::Request},
                              {"require", ClientAuth::Require}}),
          "Whether clients are asked for a certificate. With `request` they may have none, but one "
          "that they show must be good."));
  keys.push_back(one("client_ca", &TlsServerSettings::client_ca, text("path"),
                     "The authorities that clients' certificates come from (PEM)."));
  keys.push_back(one("handshake_timeout", &TlsServerSettings::handshake_timeout,
                     duration(1ms, 10min), "How long a handshake may take."));
  keys.push_back(one("ticket_lifetime", &TlsServerSettings::ticket_lifetime, duration(0s, 24h),
                     "How long a session may be resumed; `0s`: never. Keys of tickets change "
                     "twice in that time."));
  return keys;
}

void check_tls(Reader& reader, const Node& node, TlsServerSettings& tls) {
  if (node.kind != Node::Kind::Map) return;  // a problem already
  if (!is_complete(reader, node, tls)) {
    tls.certificates.clear();
    return;
  }
  for (CertificateFiles& one : tls.certificates) {
    one.cert = reader.beside(one.cert);
    one.key = reader.beside(one.key);
  }
  if (!tls.client_ca.empty()) tls.client_ca = reader.beside(tls.client_ca);
  std::vector<net::TlsProblem> problems;
  net::TlsServerContext::load(tls, net::TicketKeys::fresh(), problems);
  report(reader, node, std::move(problems));
}

void note_tls_files(const Reader& reader, const Node& node, gateway::FilePlaces& places) {
  note_words(reader, node, places);
  if (const Node* list = node.find("certificates"))
    for (const Node& item : list->items) note_words(reader, item, places);
}

Keys<TlsClientSettings> tls_client_keys() {
  return {
      one("ca", &TlsClientSettings::ca, text("path"),
          "The authorities that its certificate comes from (PEM); without it those of the system."),
      one("server_name", &TlsClientSettings::server_name, host_name(),
          "The name that its certificate is for; without it the endpoint's own."),
      one("cert", &TlsClientSettings::cert, text("path"),
          "The certificate to show to it, and behind it the chain to its root (PEM)."),
      one("key", &TlsClientSettings::key, text("path"), "Its private key (PEM, no password)."),
      one("verify", &TlsClientSettings::verify, yes_or_no(),
          "Whether its certificate is looked at. Without that anyone in between can read and "
          "change all."),
      one("min_version", &TlsClientSettings::min_version, version(),
          "The oldest version that is spoken."),
  };
}

void check_tls(Reader& reader, const Node& node, TlsClientSettings& tls) {
  if (node.kind != Node::Kind::Map) return;  // a problem already
  tls.enabled = true;
  if (tls.cert.empty() != tls.key.empty()) {
    reader.missing_key(node.at, "tls", tls.cert.empty() ? "cert" : "key");
    return;
  }
  if (!tls.verify && !tls.ca.empty())
    reader.error(node.at, "tls: ca is of no use with `verify: false`", "remove one of them");
  for (std::string TlsClientSettings::* const path :
       {&TlsClientSettings::ca, &TlsClientSettings::cert, &TlsClientSettings::key}) {
    if (!(tls.*path).empty()) tls.*path = reader.beside(tls.*path);
  }
  std::vector<net::TlsProblem> problems;
  net::TlsClientContext::load(tls, problems);
  report(reader, node, std::move(problems));
}

std::optional<Wrong> take_scheme(upstream::Settings& upstream) {
  constexpr std::string_view kHttps = "https://";
  size_t secured = 0;
  for (std::string& endpoint : upstream.endpoints) {
    if (!endpoint.starts_with(kHttps)) continue;
    endpoint.erase(0, kHttps.size());
    ++secured;
  }
  if (secured == 0) return std::nullopt;
  upstream.tls.enabled = true;
  if (secured == upstream.endpoints.size()) return std::nullopt;
  return Wrong{"some endpoints are https, and some are not", "write https:// before all of them"};
}

std::vector<net::TlsProblem> problems_of(const std::vector<CertificateFiles>& files) {
  std::vector<net::TlsProblem> problems;
  TlsServerSettings tls;
  tls.certificates = files;
  net::TlsServerContext::load(tls, net::TicketKeys::fresh(), problems);
  return problems;
}

}  // namespace parley::config
