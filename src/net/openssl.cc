#include "net/openssl.h"

#include <openssl/err.h>

#include "base/ascii.h"

namespace parley::net::openssl {

std::string words_of(unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  std::string text = reason ? reason : ERR_SYSTEM_ERROR(error) ? "system error" : "unknown error";
  for (char& c : text) c = ascii_lower(c);
  return text;
}

std::string take_error() {
  std::string text = words_of(ERR_peek_error());
  ERR_clear_error();
  return text;
}

std::string_view content(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size <= 0 ? std::string_view() : std::string_view(data, static_cast<size_t>(size));
}

}  // namespace parley::net::openssl
