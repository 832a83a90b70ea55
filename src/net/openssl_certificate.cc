#include "net/openssl_certificate.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/bytes.h"
#include "base/result.h"
#include "net/descriptor.h"
#include "net/net_failure.h"

namespace parley::net::openssl {
namespace {

using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

// The file's content, or what is wrong with it.
Result<Bytes> read_pem(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Failure(Code::NotFound, error_text(errno));
  ByteBuffer content;
  for (;;) {
    const ssize_t got = ::read(file.get(), content.spare(4096), 4096);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure(Code::NotFound, error_text(errno));
    if (got == 0) return content.take();
    content.commit(static_cast<size_t>(got));
    if (content.size() > kPemBytesMax)
      return Failure(Code::ResourceExhausted, "it is too large for a PEM file");
  }
}

Bio memory(const Bytes& content) {
  return Bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
}

// Nobody is asked for a password: OpenSSL would read the terminal.
int no_password(char*, int, int, void*) { return -1; }

// Certificates until the end of the text. An empty list, or an error of OpenSSL that is left for
// take_error(): it is not all certificates.
std::vector<Certificate> read_certificates(const Bytes& content) {
  const Bio text = memory(content);
  std::vector<Certificate> all;
  ERR_clear_error();
  while (X509* one = PEM_read_bio_X509(text.get(), nullptr, no_password, nullptr))
    all.emplace_back(one);
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    all.clear();
  } else if (!all.empty()) {
    ERR_clear_error();  // the end of the text
  }
  return all;
}

class Loading {
 public:
  Loading(std::string_view setting, const std::string& path, std::vector<TlsProblem>& problems)
      : setting_(setting), path_(path), problems_(problems) {}

  void error(std::string what, std::string remedy) {
    problems_.push_back({setting_, path_, std::move(what), std::move(remedy)});
  }
  void warning(std::string what, std::string remedy) {
    problems_.push_back({setting_, path_, std::move(what), std::move(remedy), true});
  }
  std::vector<Certificate> certificates() {
    const auto content = read_pem(path_);
    if (!content) {
      error(fmt::format("cannot read {}: {}", path_, content.error().message()),
            "give it a PEM file that this user may read");
      return {};
    }
    std::vector<Certificate> all = read_certificates(*content);
    if (all.empty())
      error(fmt::format("{} holds no certificate: {}", path_, take_error()),
            "give it a PEM file: -----BEGIN CERTIFICATE----- and so on");
    return all;
  }
  Key key() {
    const auto content = read_pem(path_);
    if (!content) {
      error(fmt::format("cannot read {}: {}", path_, content.error().message()),
            "give it a PEM file that this user may read");
      return {};
    }
    ERR_clear_error();
    Key key(PEM_read_bio_PrivateKey(memory(*content).get(), nullptr, no_password, nullptr));
    if (!key)
      error(fmt::format("{} holds no private key that can be read: {}", path_, take_error()),
            "give it a PEM file without a password: -----BEGIN PRIVATE KEY----- and so on");
    return key;
  }

 private:
  const std::string_view setting_;
  const std::string& path_;
  std::vector<TlsProblem>& problems_;
};

std::string text_of(const ASN1_TIME* time) {
  const Bio text(BIO_new(BIO_s_mem()));
  ASN1_TIME_print_ex(text.get(), time, ASN1_DTFLGS_ISO8601);
  return std::string(content(text));
}

void warn_of_time(const X509& leaf, const std::string& path, Loading& loading) {
  const ASN1_TIME* const end = X509_get0_notAfter(&leaf);
  const ASN1_TIME* const start = X509_get0_notBefore(&leaf);
  if (X509_cmp_current_time(end) < 0)
    loading.warning(fmt::format("the certificate in {} expired on {}", path, text_of(end)),
                    "renew it: clients refuse it");
  else if (X509_cmp_current_time(start) > 0)
    loading.warning(
        fmt::format("the certificate in {} is not valid before {}", path, text_of(start)),
        "check the clock");
}

std::string ascii_text(const ASN1_STRING* text) {
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  return {data, static_cast<size_t>(ASN1_STRING_length(text))};
}

}  // namespace

int64_t expires(const X509& certificate) {
  std::tm parts{};
  // It has been through OpenSSL's parser; a time that is none would be 1970.
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &parts) != 1) return 0;
  return ::timegm(&parts);
}

Shown Shown::copy() const {
  Shown same{share(leaf), {}, share(key), names};
  for (const Certificate& one : chain) same.chain.push_back(share(one));
  return same;
}

std::optional<Shown> load_shown(const CertificateFiles& files, std::vector<TlsProblem>& problems) {
  Loading cert("cert", files.cert, problems);
  Loading key("key", files.key, problems);
  std::vector<Certificate> certificates = cert.certificates();
  Shown shown;
  shown.key = key.key();
  if (certificates.empty() || !shown.key) return std::nullopt;
  shown.leaf = std::move(certificates.front());
  certificates.erase(certificates.begin());
  shown.chain = std::move(certificates);
  if (X509_check_private_key(shown.leaf.get(), shown.key.get()) != 1) {
    ERR_clear_error();
    key.error(fmt::format("the key in {} does not belong to the certificate in {}", files.key,
                          files.cert),
              "name the key that the certificate was made for; the leaf is first in its file");
    return std::nullopt;
  }
  warn_of_time(*shown.leaf, files.cert, cert);
  shown.names = names_of(*shown.leaf);
  std::ranges::sort(shown.names);
  return shown;
}

std::vector<Certificate> load_authorities(const std::string& path, std::string_view setting,
                                          std::vector<TlsProblem>& problems) {
  return Loading(setting, path, problems).certificates();
}

std::vector<std::string> names_of(const X509& certificate) {
  std::vector<std::string> names;
  const Names all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type == GEN_DNS) names.push_back(ascii_lowered(ascii_text(name->d.dNSName)));
  }
  if (all) return names;
  X509_NAME* const subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0)
    names.push_back(
        ascii_lowered(ascii_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))));
  return names;
}

}  // namespace parley::net::openssl
