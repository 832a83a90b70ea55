#include "door/metadata.h"

#include <algorithm>
#include <span>
#include <string>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "door/peer.h"

namespace parley::door {
namespace {

// Kept for what the upstream's caller adds: pseudo fields, te, content-type, grpc-timeout ...
constexpr uint32_t kCallFieldsBytes = 640;
constexpr uint32_t kMetadataCountMax = 160;

// Fields of a connection or of one message on it (RFC 9110, 7.6.1), and those that say how HTTP
// carries the body: they never pass, in either direction.
bool stays_behind(FieldId id) {
  switch (id) {
    case FieldId::PseudoAuthority:
    case FieldId::PseudoMethod:
    case FieldId::PseudoPath:
    case FieldId::PseudoScheme:
    case FieldId::PseudoStatus:
    case FieldId::Connection:
    case FieldId::ContentEncoding:
    case FieldId::ContentLength:
    case FieldId::ContentType:
    case FieldId::Expect:
    case FieldId::Host:
    case FieldId::Http2Settings:
    case FieldId::KeepAlive:
    case FieldId::ProxyAuthenticate:
    case FieldId::ProxyAuthorization:
    case FieldId::ProxyConnection:
    case FieldId::Te:
    case FieldId::Trailer:
    case FieldId::TransferEncoding:
    case FieldId::Upgrade: return true;
    default: return false;
  }
}

// What the gateway says itself, so that nobody else can.
bool is_ours(const Field& field) {
  switch (field.id) {
    case FieldId::Forwarded:
    case FieldId::XForwardedFor:
    case FieldId::XForwardedHost:
    case FieldId::XForwardedProto:
    case FieldId::XForwardedUserAgent:
    case FieldId::XRequestId:
    case FieldId::XRequestTimeout: return true;
    default: return field.name.starts_with("x-parley-") || field.name.starts_with("x-forwarded-");
  }
}

bool listed(std::string_view name, std::span<const std::string> list) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& entry) {
    const std::string_view pattern = entry;
    return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1))
                                  : name == pattern;
  });
}

bool rest_forwards(const Field& field, const MetadataSettings& settings) {
  switch (field.id) {
    case FieldId::Authorization:
    case FieldId::Traceparent:
    case FieldId::Tracestate:
    case FieldId::Baggage:
    case FieldId::AcceptLanguage: return true;
    default: break;
  }
  if (field.name.starts_with("x-") || listed(field.name, settings.to_upstream))
    return !stays_behind(field.id) && !field.name.starts_with("grpc-");
  return false;
}

bool client_sees(const Field& field, const MetadataSettings& settings) {
  switch (field.id) {
    case FieldId::Location:
    case FieldId::Etag:
    case FieldId::CacheControl:
    case FieldId::Link:
    case FieldId::WwwAuthenticate: return true;
    default: break;
  }
  if (field.name.starts_with("x-") || listed(field.name, settings.to_client))
    return !stays_behind(field.id) && !is_ours(field) && !field.name.starts_with("grpc-");
  return false;
}

bool stands_once(FieldId id) {
  return id == FieldId::Location || id == FieldId::Etag || id == FieldId::LastModified;
}

// ASCII-Value = 1*( %x20-%x7E ), as gRPC has it; empty ones pass too.
bool value_valid(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// Header-Name = 1*( %x30-39 / %x61-7A / "_" / "-" / "." ), as gRPC has it.
bool name_valid(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return ascii_digit(c) || (c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '.';
  });
}

// Whether a Connection field names this one as the connection's own (RFC 9110, 7.6.1).
bool connection_names(const Fields& request, std::string_view name) {
  for (const Field field : request) {
    if (field.id != FieldId::Connection) continue;
    for (std::string_view left = field.value; !left.empty();) {
      const std::string_view option = left.substr(0, left.find(','));
      if (ascii_equal(trim_ows(option), name)) return true;
      left.remove_prefix(std::min(option.size() + 1, left.size()));
    }
  }
  return false;
}

Failure too_large(const MetadataRules& rules) {
  return Failure(Reason::MetadataTooLarge,
                 fmt::format("the header makes more metadata than the upstream takes: {} bytes",
                             rules.bytes_max))
      .with_limit(fmt::format("upstreams.{}.metadata_bytes_max", rules.upstream))
      .take();
}

// Gathers metadata under the rules.
class Metadata {
 public:
  explicit Metadata(const MetadataRules& rules)
      : rules_(rules),
        fields_(FieldLimits{rules.bytes_max - std::min(rules.bytes_max, kCallFieldsBytes),
                            kMetadataCountMax}) {}

  // A field of the client's. What gRPC cannot carry is dropped and counted, or refused.
  Result<void> add(const Field& field) {
    if (!name_valid(field.name) || !value_valid(field.value)) return add_invalid(field);
    if (field.name.ends_with("-bin")) return add_binary(field);
    if (!append(field, field.value)) return too_large(rules_);
    return {};
  }

  // One of our own.
  Result<void> add(FieldId id, std::string_view value) {
    if (value.empty() || !value_valid(value)) return {};
    if (!fields_.append(id, value)) return too_large(rules_);
    return {};
  }

  void drop() { ++rules_.counts.metadata_dropped; }
  Fields take() { return std::move(fields_); }

 private:
  bool append(const Field& field, std::string_view value) {
    return fields_.append(Field{field.name, value, field.id, field.never_index});
  }

  Result<void> add_invalid(const Field& field) {
    if (!rules_.settings.reject_invalid) {
      drop();
      return {};
    }
    const std::string name = utf8_repaired(field.name);
    return Failure(Reason::MetadataInvalid,
                   fmt::format("gRPC cannot carry the header field {}: names are of lower-case "
                               "letters, digits, '-', '_' and '.', values of visible ASCII",
                               name))
        .violation(name, "cannot be carried by gRPC");
  }

  // Values of `-bin` are base64, several of them between commas; not every gRPC server splits
  // them, and some end the whole connection on text that does not decode.
  Result<void> add_binary(const Field& field) {
    for (std::string_view left = field.value;;) {
      const size_t comma = left.find(',');
      const std::string_view value = trim_ows(left.substr(0, comma));
      char* const space = static_cast<char*>(rules_.scratch.allocate(value.size() / 4 * 3 + 3));
      if (!base64_decode(value, Base64::Standard, space))
        return Failure(Reason::MetadataInvalid,
                       fmt::format("the header field {} is not base64", field.name))
            .violation(std::string(field.name), "not base64");
      if (!append(field, value)) return too_large(rules_);
      if (comma == std::string_view::npos) return {};
      left.remove_prefix(comma + 1);
    }
  }

  const MetadataRules& rules_;
  Fields fields_;
};

Result<void> add_ours(const http::Exchange& exchange, const MetadataRules& rules,
                      Metadata& metadata) {
  const http::RequestHead& head = exchange.request();
  const call::Peer& peer = rules.peer;
  TRY_VOID(metadata.add(FieldId::XForwardedFor, peer.address));
  TRY_VOID(metadata.add(FieldId::XForwardedProto, peer.tls ? "https" : "http"));
  if (rules.settings.forward_client_cert && !peer.tls_hash.empty()) {
    const std::string certificate = client_cert_text(peer);
    TRY_VOID(metadata.add({"x-forwarded-client-cert", certificate}));
  }
  TRY_VOID(metadata.add(FieldId::XForwardedHost, head.authority()));
  return metadata.add(FieldId::XRequestId, exchange.record().request_id);
}

// Names with "grpc-" belong to the protocol, but for the two of OpenCensus that are metadata.
bool grpc_reserved(const Field& field) {
  return field.name.starts_with("grpc-") && field.name != "grpc-trace-bin" &&
         field.name != "grpc-tags-bin";
}

}  // namespace

Result<Fields> rest_metadata(const http::Exchange& exchange, const MetadataRules& rules) {
  const Fields& request = exchange.request().fields;
  const bool has_connection = request.find(FieldId::Connection).has_value();
  Metadata metadata(rules);
  for (const Field field : request) {
    if (!rest_forwards(field, rules.settings) || is_ours(field)) continue;
    if (has_connection && connection_names(request, field.name)) continue;
    if (!rules.settings.pass_underscores && field.name.find('_') != std::string_view::npos) {
      metadata.drop();
      continue;
    }
    TRY_VOID(metadata.add(field));
  }
  TRY_VOID(
      metadata.add(FieldId::XForwardedUserAgent, request.find(FieldId::UserAgent).value_or("")));
  TRY_VOID(add_ours(exchange, rules, metadata));
  return metadata.take();
}

Result<Fields> grpc_metadata(const http::Exchange& exchange, const MetadataRules& rules) {
  Metadata metadata(rules);
  for (const Field field : exchange.request().fields) {
    if (stays_behind(field.id) || is_ours(field) || grpc_reserved(field)) continue;
    TRY_VOID(metadata.add(field));
  }
  TRY_VOID(add_ours(exchange, rules, metadata));
  return metadata.take();
}

void add_client_fields(const Fields& metadata, const MetadataSettings& settings, Fields& out) {
  for (const Field field : metadata) {
    if (!client_sees(field, settings) || !value_valid(field.value)) continue;
    if (stands_once(field.id) && out.find(field.id)) continue;
    out.add(field);
  }
}

void add_grpc_fields(const Fields& metadata, Fields& out) {
  for (const Field field : metadata) {
    if (stays_behind(field.id) || field.id == FieldId::XRequestId || grpc_reserved(field)) continue;
    out.add(field);
  }
}

}  // namespace parley::door
