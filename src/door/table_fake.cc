#include "door/table_fake.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "contract/contract_fake.h"
#include "door/door_fake.h"
#include "wire/json_to_wire.h"
#include "wire/rpc_status.h"
#include "wire/wire_to_json.h"

namespace parley::door {
namespace {

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// Takes the text up to the next space off the front.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

uint32_t number_of(std::string_view text) {
  uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (const char c : hex) {
    const int digit = hex_digit(c);
    if (digit < 0) continue;
    if (high >= 0) bytes += static_cast<char>(high * 16 + digit);
    high = high >= 0 ? -1 : digit;
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string hex = "hex";
  for (const char c : bytes) hex += fmt::format(" {:02x}", static_cast<unsigned char>(c));
  return hex;
}

bool printable(std::string_view text) {
  return utf8_valid(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 && c != '\n';
         });
}

Code code_named(std::string_view name) {
  for (int i = 0; i <= 16; ++i) {
    if (code_row(static_cast<Code>(i)).name == name) return static_cast<Code>(i);
  }
  return Code::Unknown;
}

void apply_setting(std::string_view name, std::string_view value, Settings& settings) {
  const bool on = value == "ignore" || value == "set_only" || value == "number" ||
                  value == "proto" || value == "true";
  const auto unknown = on ? OnUnknown::Ignore : OnUnknown::Reject;
  if (name == "unknown_query") settings.rest.unknown_query = unknown;
  if (name == "unknown_json") settings.rest.unknown_json = unknown;
  if (name == "presence") settings.rest.presence_set_only = on;
  if (name == "int64") settings.rest.int64_numbers = on;
  if (name == "enums") settings.rest.enum_numbers = on;
  if (name == "names") settings.rest.proto_names = on;
  if (name == "unknown_any") settings.rest.unknown_any_as_base64 = value == "base64";
  if (name == "reject_invalid") settings.metadata.reject_invalid = value == "true";
  if (name == "depth_max") settings.rest.depth_max = static_cast<uint16_t>(number_of(value));
  if (name == "query_parameters_max") settings.rest.query_parameters_max = number_of(value);
  if (name == "hide_upstream_detail") settings.rest.hide_upstream_detail = on;
  if (name == "message_bytes_max") settings.message_bytes_max = number_of(value);
  if (name == "pass_underscores") settings.metadata.pass_underscores = on;
  if (name == "to_upstream") settings.metadata.to_upstream.emplace_back(value);
  if (name == "to_client") settings.metadata.to_client.emplace_back(value);
}

// One case while it runs.
class CaseRun {
 public:
  CaseRun(const wire::Programs& programs, const TableBlock& block)
      : scene_(programs, settings_of(block)), programs_(programs) {
    std::string_view left = block.input;
    std::string_view request = take_line(left);
    while (request.empty() || request[0] == '#') request = take_line(left);
    const std::string_view verb = take_word(request);
    exchange_ = &scene_.request(verb, request);
    exchange_->version_ = http::Version::Http11;
    while (!left.empty()) take_input(take_line(left));
    if (has_body_) exchange_->send(body_);
    scene_.service.failure = std::move(failure_);
  }

  std::string run() {
    const bool scripted = !scene_.service.replies.empty() || scene_.service.failure;
    if (!scripted) scene_.service.replies.push_back(call::whole_message(Bytes()));
    if (silent_) scene_.service.replies.clear();
    scene_.start(*exchange_);
    for (const SeenCall& call : scene_.service.calls) show_call(call);
    show_answer(scripted || silent_);
    return out_;
  }

 private:
  static Settings settings_of(const TableBlock& block) {
    Settings settings;
    for (std::string_view left = block.input; !left.empty();) {
      std::string_view line = take_line(left);
      if (!line.starts_with('@')) continue;
      line.remove_prefix(1);
      const std::string_view name = take_word(line);
      apply_setting(name, line, settings);
    }
    return settings;
  }

  void take_input(std::string_view line) {
    if (line.starts_with("@pending ")) {
      scene_.catalogue->pending_ = line.substr(9);
    } else if (line.starts_with("@length ")) {
      exchange_->length_ = number_of(line.substr(8));
    } else if (line == "@grow") {
      body_ += std::string(1000, ' ');
    } else if (line.starts_with("<hex ")) {
      add_body(from_hex(line.substr(5)), "");
    } else if (line.starts_with("< ") || line == "<") {
      add_body(line.substr(std::min<size_t>(2, line.size())), "\n");
    } else if (line.starts_with("> ")) {
      take_script(line.substr(2));
    } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
      exchange_->add(line.substr(0, colon), trim_ows(line.substr(colon + 1)));
    }
  }

  void add_body(std::string_view text, std::string_view separator) {
    if (has_body_) body_ += separator;
    body_ += text;
    has_body_ = true;
  }

  void take_script(std::string_view line) {
    const std::string_view what = take_word(line);
    FakeCallService& service = scene_.service;
    if (what == "message") {
      service.replies.push_back(call::whole_message(wire_of(take_word(line), line)));
    } else if (what == "hex") {
      service.replies.push_back(call::whole_message(Bytes::copy(from_hex(line))));
    } else if (what == "metadata" || what == "trailer") {
      const size_t colon = line.find(':');
      Fields& fields = what == "metadata" ? service.metadata : service.trailers;
      fields.add(line.substr(0, colon), trim_ows(line.substr(colon + 1)));
    } else if (what == "fail") {
      const Code code = code_named(take_word(line));
      failure_.emplace(code, std::string(line), Origin::Upstream);
    } else if (what == "detail") {
      const std::string_view type = take_word(line);
      failure_->add_detail(
          {fmt::format("type.googleapis.com/{}", type), std::string(wire_of(type, line).view())});
      if (const AnyDetail* retry = wire::find_detail(failure_->details(), "google.rpc.RetryInfo"))
        failure_->retry_after(*wire::read_retry_info(retry->value));
    } else if (what == "nothing") {
      silent_ = true;
    }
  }

  Bytes wire_of(std::string_view type, std::string_view json) const {
    const wire::Program* program = programs_.find(type);
    if (program == nullptr) return Bytes::copy(from_hex(json));
    ByteBuffer out;
    const Bytes padded = Bytes::copy(json);
    const auto read =
        wire::json_to_wire(*program, padded.view(), {.unknown_any_as_base64 = true}, out);
    if (!read) return Bytes::copy(read.error().message());
    return out.take();
  }

  void line(std::string_view text) { out_ += fmt::format("= {}\n", text); }

  void show_call(const SeenCall& call) {
    for (const std::string& message : call.messages) {
      ByteBuffer json;
      const wire::JsonWriteOptions terse{.presence_set_only = true, .unknown_any_as_base64 = true};
      const auto written = wire::wire_to_json(programs_.of(*call.method->input),
                                              Bytes::copy(message).view(), terse, json);
      line(fmt::format("call {} {}", call.method->full_name,
                       written ? json.view() : std::string_view(written.error().message())));
    }
    for (const Field field : call.metadata) {
      const bool ours = field.id == FieldId::XForwardedFor || field.id == FieldId::XForwardedHost ||
                        field.id == FieldId::XForwardedProto || field.id == FieldId::XRequestId;
      if (!ours) line(fmt::format("metadata {}: {}", field.name, field.value));
    }
    const auto timeout = call.deadline - exchange_->record().started;
    if (call.deadline != kNever && timeout != std::chrono::seconds(60))
      line(fmt::format("timeout {}ns", timeout.count()));
  }

  void show_answer(bool with_body) {
    line(fmt::to_string(exchange_->answer_.status));
    bool problem = false;
    for (const Field field : exchange_->answer_.fields) {
      if (field.id == FieldId::XRequestId || field.id == FieldId::ContentLength) continue;
      const bool usual =
          field.id == FieldId::ContentType &&
          (field.value == "application/json" || field.value == "application/problem+json");
      problem |= field.value == "application/problem+json";
      if (!usual) line(fmt::format("{}: {}", field.name, field.value));
    }
    if (exchange_->reset_) line(fmt::format("reset {}", code_row(*exchange_->reset_).name));
    if (!exchange_->finished()) line("unfinished");
    std::string body = exchange_->body_;
    if (problem && !body.empty()) {
      show_problem(body);
    } else if (with_body && !body.empty()) {
      show_body(body);
    }
  }

  void show_body(std::string_view body) {
    if (!printable(body)) return line(to_hex(body));
    if (body.ends_with('\n')) body.remove_suffix(1);
    while (!body.empty()) line(take_line(body));
  }

  // Without what every problem has: reason, detail, and what else there is.
  void show_problem(std::string_view body) {
    std::string text(body);
    const auto cut = [&](std::string_view name) {
      const size_t at = text.find(fmt::format("\"{}\":", name));
      if (at == std::string::npos) return;
      const size_t end = text.find_first_of(",}", text.find(':', at));
      if (text[end] == ',') {
        text.erase(at, end + 1 - at);
      } else {
        text.erase(at - 1, end - (at - 1));
      }
    };
    cut("title");
    cut("status");
    cut("request_id");
    constexpr std::string_view kType = "\"type\":\"";
    const size_t from = text.find(kType) + kType.size();
    const size_t to = text.find('"', from);
    const size_t slash = text.rfind('/', to);
    line(text.substr(slash + 1, to - slash - 1));
    line("{" + text.substr(to + 2));
  }

  DoorScene scene_;
  const wire::Programs& programs_;
  FakeExchange* exchange_ = nullptr;
  std::optional<Failure> failure_;
  std::string body_;
  bool has_body_ = false;
  bool silent_ = false;
  std::string out_;
};

}  // namespace

std::vector<TableBlock> split_table(std::string_view text) {
  std::vector<TableBlock> blocks;
  size_t number = 0;
  bool fresh = true;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    ++number;
    if (fresh) {
      blocks.emplace_back();
      blocks.back().line = number;
      fresh = false;
    }
    TableBlock& block = blocks.back();
    if (line.starts_with("= ") || line == "=") {
      block.expected += fmt::format("{}\n", line);
      continue;
    }
    if (line.empty()) {
      blocks.emplace_back();
      blocks.back().line = number;
      blocks.back().input = "\n";
      fresh = true;
      continue;
    }
    if (block.request.empty() && !line.starts_with('#')) block.request = line;
    block.input += fmt::format("{}\n", line);
  }
  return blocks;
}

std::string run_case(const wire::Programs& programs, const TableBlock& block) {
  return CaseRun(programs, block).run();
}

}  // namespace parley::door
