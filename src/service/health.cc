#include "service/health.h"

#include <utility>

#include <fmt/format.h>

#include "service/unary.h"
#include "wire/wire_reader.h"
#include "wire/wire_writer.h"

namespace parley::service {
namespace {

// HealthCheckRequest: string service = 1. The last one counts, as protobuf has it.
Result<std::string> service_name(const Bytes& request) {
  std::string_view name;
  wire::WireReader reader(request.view());
  while (reader.next()) {
    if (reader.number() == 1) {
      name = reader.bytes_or(name);
    } else {
      reader.skip();
    }
  }
  if (reader.failed()) return Failure(Reason::BodyInvalid, "the request is not a valid message");
  return std::string(name);
}

// HealthCheckResponse: ServingStatus status = 1.
Bytes check_response(Serving status) {
  ByteBuffer out;
  wire::append_varint_field(out, 1, static_cast<uint64_t>(status));
  return out.take();
}

}  // namespace

loop::Task<call::Outcome> Health::serve(call::Call& call, call::Replies& replies) {
  CO_TRY(request, co_await read_only(call));
  const std::string_view method = call.method->name;
  if (method == "List") co_return co_await list(replies);
  CO_TRY(service, service_name(request));
  if (method == "Check") co_return co_await check(service, replies);
  if (method == "Watch") co_return co_await watch(std::move(service), replies);
  co_return not_served(call);
}

loop::Task<call::Outcome> Health::check(std::string_view service, call::Replies& replies) {
  const Serving status = source_.status_of(service);
  if (status == Serving::ServiceUnknown) {
    co_return Failure(Code::NotFound, "no service \"" + std::string(service) + "\" is served here");
  }
  co_return co_await reply(replies, check_response(status));
}

// HealthListResponse: map<string, HealthCheckResponse> statuses = 1.
loop::Task<call::Outcome> Health::list(call::Replies& replies) {
  std::vector<std::string> services = source_.services();
  services.emplace_back();  // the gateway as a whole
  if (services.size() > kListMax) {
    co_return Failure(Code::ResourceExhausted,
                      fmt::format("there are more than {} services, which is all that one answer "
                                  "ever lists: use Check",
                                  kListMax))
        .with_limit("fixed.health_list_max")
        .take();
  }
  ByteBuffer out;
  for (const std::string& service : services) {
    ByteBuffer entry;
    wire::append_bytes_field(entry, 1, service);
    wire::append_bytes_field(entry, 2, check_response(source_.status_of(service)).view());
    wire::append_bytes_field(out, 1, entry.view());
  }
  co_return co_await reply(replies, out.take());
}

// The status now and whenever it differs from what was sent last; for ever, so that a service may
// come later. A client that reads slowly gets the latest, not each.
loop::Task<call::Outcome> Health::watch(std::string service, call::Replies& replies) {
  for (std::optional<Serving> sent;;) {
    const Serving status = source_.status_of(service);
    if (status == sent) {
      co_await source_.changed().wait();
      continue;
    }
    Result<void> written = co_await replies.write(call::whole_message(check_response(status)));
    if (!written) co_return std::move(written.error());
    sent = status;
  }
}

}  // namespace parley::service
