#include "door/rest_binding.h"

#include <algorithm>
#include <new>

#include <fmt/format.h>

#include "base/ascii.h"
#include "door/media_type.h"
#include "wire/update_mask.h"
#include "wire/wire_writer.h"

namespace parley::door {

using contract::Field;
using contract::PathTemplate;

namespace {

Failure nothing_to_change() {
  return Failure(Reason::BodyInvalid,
                 "the body of a PATCH names the fields to change: this has none");
}

}  // namespace

RestBinding::RestBinding(const RouteMatch& match, Arena& arena)
    : exposed_(*match.route->exposed), rule_(*match.route->rule), match_(match), arena_(arena) {}

Result<void> RestBinding::bind_path(const RequestPath& path) {
  const size_t count = rule_.variables.size();
  if (count == 0) return {};
  auto* const leaves = static_cast<Leaf*>(arena_.allocate(count * sizeof(Leaf)));
  for (size_t i = 0; i < count; ++i) new (leaves + i) Leaf{rule_.variables[i]};
  bound_ = {leaves, count};
  for (size_t i = 0; i < count; ++i) TRY_VOID(bind_variable(path, i));
  return {};
}

Result<void> RestBinding::bind_variable(const RequestPath& path, size_t index) {
  const PathTemplate::Variable& variable = rule_.path.variables[index];
  Leaf& leaf = bound_[index];
  leaf.offset = static_cast<uint32_t>(leaves_.size());
  const std::string_view text = decoded(match_.value(path, index), variable.multi);
  TRY_VOID(wire::text_to_wire(*exposed_.programs, *leaf.path.back(), text,
                              {.reason = Reason::PathInvalid,
                               .name = variable.field_path,
                               .json = json_options_below(leaf.path)},
                              leaves_));
  leaf.size = static_cast<uint32_t>(leaves_.size() - leaf.offset);
  return {};
}

// A variable of several segments keeps %2F, which tells a slash that is data from one that
// separates (google/api/http.proto, "Path template syntax").
std::string_view RestBinding::decoded(std::string_view raw, bool keeps_slashes) const {
  if (raw.find('%') == std::string_view::npos) return raw;
  auto* const begin = static_cast<char*>(arena_.allocate(raw.size()));
  char* to = begin;
  for (size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] != '%') {
      *to++ = raw[at];
      continue;
    }
    const auto byte = static_cast<char>(hex_digit(raw[at + 1]) * 16 + hex_digit(raw[at + 2]));
    if (keeps_slashes && byte == '/') {
      *to++ = raw[at];
      continue;
    }
    *to++ = byte;
    at += 2;
  }
  return {begin, static_cast<size_t>(to - begin)};
}

Result<void> RestBinding::bind_body(const http::RequestHead& head, const Bytes& content) {
  switch (content_kind(rule_, *exposed_.method)) {
    case ContentKind::None: return {};
    case ContentKind::Json: return bind_json(head, content);
    case ContentKind::Plain: bind_plain(head, content); return {};
  }
  return {};
}

Result<void> RestBinding::bind_json(const http::RequestHead& head, const Bytes& content) {
  const Field* const mask = inferred_mask(head);
  if (content.empty()) {
    if (mask == nullptr) return {};
    return nothing_to_change();
  }
  const wire::Program& input = exposed_.programs->of(*exposed_.method->input);
  out_.reserve(out_.size() + content.size());  // the wire form is seldom longer
  if (rule_.body_field == nullptr)
    return wire::json_to_wire(input, content.view(), json_options(bound_values(0)), out_);
  const Field& field = *rule_.body_field;
  const size_t before = out_.size();
  TRY_VOID(
      wire::json_to_wire_field(input, field, content.view(), json_options(bound_values(0)), out_));
  const Field* const rival = out_.size() == before ? nullptr : rival_of(field);
  if (rival != nullptr)
    return Failure(Reason::BodyInvalid,
                   fmt::format("the body sets {}, the rest of the request sets {}: only one of "
                               "the oneof {} can be set",
                               field.name, rival->name, field.oneof->name))
        .violation(std::string(field.name), "another member of the oneof is set");
  if (mask == nullptr) return {};
  return out_.size() == before ? nothing_to_change() : infer_mask(*mask, content);
}

// The member of the body field's oneof that path or query set; nullptr: none.
const Field* RestBinding::rival_of(const Field& field) const {
  if (field.oneof == nullptr) return nullptr;
  for (const Leaf& leaf : bound_) {
    const Field* const top = leaf.path.front();
    if (top != &field && top->oneof == field.oneof) return top;
  }
  return set_.rival(field);
}

wire::JsonReadOptions RestBinding::json_options(std::span<const wire::BoundValue> bound) const {
  const RestSettings& settings = exposed_.settings->rest;
  return {.depth_max = settings.depth_max,
          .ignore_unknown = settings.unknown_json == OnUnknown::Ignore,
          .unknown_any_as_base64 = settings.unknown_any_as_base64,
          .bound = bound,
          .depth_limit = "rest.depth_max"};
}

// For JSON text that a parameter or a path variable gives the field at the end of `path`.
wire::JsonReadOptions RestBinding::json_options_below(FieldPath path) const {
  wire::JsonReadOptions options = json_options({});
  options.depth_used = static_cast<uint16_t>(std::min<size_t>(path.size(), options.depth_max));
  return options;
}

// What the path binds in the part that the body sets, without the first `dropped` fields.
std::span<const wire::BoundValue> RestBinding::bound_values(size_t dropped) const {
  if (bound_.empty()) return {};
  auto* const values =
      static_cast<wire::BoundValue*>(arena_.allocate(bound_.size() * sizeof(wire::BoundValue)));
  size_t count = 0;
  for (const Leaf& leaf : bound_) {
    if (rule_.body_field != nullptr && leaf.path.front() != rule_.body_field) continue;
    if (leaf.path.size() <= dropped) continue;
    new (values + count++) wire::BoundValue{leaf.path.subspan(dropped), leaf_text(leaf)};
  }
  return {values, count};
}

// The mask that is inferred from the body of a PATCH; nullptr: none is.
const Field* RestBinding::inferred_mask(const http::RequestHead& head) const {
  const Field* const body = rule_.body_field;
  if (head.verb() != "PATCH" || body == nullptr || body->repeated || body->message == nullptr ||
      body->message->well_known != contract::WellKnown::None)
    return nullptr;
  const Field* mask = nullptr;
  for (const Field& field : exposed_.method->input->fields) {
    if (field.message == nullptr || field.message->well_known != contract::WellKnown::FieldMask)
      continue;
    if (mask != nullptr || field.repeated || field.name != "update_mask") return nullptr;
    mask = &field;
  }
  if (mask == nullptr || set_.contains(*mask)) return nullptr;
  const bool bound = std::any_of(bound_.begin(), bound_.end(),
                                 [&](const Leaf& leaf) { return leaf.path.front() == mask; });
  return bound ? nullptr : mask;
}

Result<void> RestBinding::infer_mask(const Field& mask, const Bytes& content) {
  const wire::Program& program = exposed_.programs->of(*rule_.body_field->message);
  TRY(paths, wire::update_mask_of(program, content.view(), json_options(bound_values(1))));
  if (paths.empty()) return nothing_to_change();
  wire::append_field_mask(mask, paths, out_);
  return {};
}

// google.api.HttpBody: string content_type = 1; bytes data = 2.
void RestBinding::bind_plain(const http::RequestHead& head, const Bytes& content) {
  if (content.empty()) return;
  const std::string_view sent = head.fields.find(FieldId::ContentType).value_or("");
  const std::string_view type = content_type_valid(sent) ? sent : std::string_view();
  if (rule_.body_field == nullptr) {
    if (!type.empty()) wire::append_bytes_field(out_, 1, type);
    wire::append_bytes_field(out_, 2, content.view());
    return;
  }
  ByteBuffer body(content.size() + type.size() + 4 * wire::kVarintMax);
  if (!type.empty()) wire::append_bytes_field(body, 1, type);
  wire::append_bytes_field(body, 2, content.view());
  wire::append_field(out_, *rule_.body_field, body.view());
}

Bytes RestBinding::take() {
  const bool flat = std::all_of(bound_.begin(), bound_.end(),
                                [](const Leaf& leaf) { return leaf.path.size() == 1; });
  if (flat && out_.empty()) return leaves_.take();
  for (const Leaf& leaf : bound_) wire::append_bound_value({leaf.path, leaf_text(leaf)}, out_);
  return out_.take();
}

}  // namespace parley::door
