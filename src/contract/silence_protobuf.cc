#include "contract/silence_protobuf.h"

#include <mutex>

#include <google/protobuf/stubs/logging.h>

namespace parley::contract {

void silence_protobuf() {
  static std::once_flag once;
  std::call_once(once, [] { google::protobuf::SetLogHandler(nullptr); });
}

}  // namespace parley::contract
