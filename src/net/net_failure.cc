#include "net/net_failure.h"

#include <system_error>

#include <fmt/format.h>

#include "base/ascii.h"

namespace parley::net {

std::string error_text(int error) {
  std::string text = std::generic_category().message(error);
  if (!text.empty()) text.front() = ascii_lower(text.front());
  return text;
}

Failure connect_failure(std::string_view address, int error) {
  Failure failure(Code::Unavailable,
                  fmt::format("cannot connect to {}: {}", address, error_text(error)));
  failure.remedy(Remedy::RetryElsewhere);
  return failure;
}

Failure listen_failure(std::string_view address, int error) {
  return {Code::Unavailable, fmt::format("cannot listen on {}: {}", address, error_text(error))};
}

Failure broken_failure(int error) {
  Failure failure(Code::Unavailable, error_text(error));
  failure.with_detail(fmt::format("errno {}", error)).remedy(Remedy::Reconnect);
  return failure;
}

}  // namespace parley::net
