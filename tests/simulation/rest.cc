#include "simulation/rest.h"

#include <fmt/format.h>

namespace parley::simulation {
namespace {

// The member "code" of a problem; false: there is none that is known.
bool read_problem(std::string_view json, Answer& answer) {
  constexpr std::string_view kKey = "\"code\":\"";
  const size_t at = json.find(kKey);
  if (at == std::string_view::npos || !json.ends_with('}')) return false;
  const std::string_view rest = json.substr(at + kKey.size());
  const std::string_view name = rest.substr(0, rest.find('"'));
  answer.message = json;
  for (uint32_t number = 1; number <= 16; ++number) {
    answer.code = code_from_number(number);
    if (code_row(answer.code).name == name) return true;
  }
  return false;
}

std::string read_lines(std::string_view body, Answer& answer) {
  while (!body.empty()) {
    const size_t end = body.find('\n');
    if (end == std::string_view::npos) return "a line without an end";
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    if (!line.starts_with(R"({"error":)")) {
      answer.messages.emplace_back(line);
      continue;
    }
    if (!body.empty()) return "something after the failure";
    if (!read_problem(line, answer)) return "a last line that is no failure";
  }
  return {};
}

}  // namespace

RestRequest rest_request(const CallPlan& plan) {
  RestRequest request;
  const Method& method = *plan.method;
  const Item item = make_item(plan.nonce, 0, plan.messages[0]);
  request.verb = plan.flaw == Flaw::WrongVerb ? "DELETE" : method.verb;
  request.target = fmt::format(fmt::runtime(method.route), plan.nonce);
  if (plan.flaw == Flaw::UnknownRoute) request.target = "/nowhere" + request.target;
  if (method.has_body) {
    request.body = to_json(item);
    if (plan.flaw == Flaw::BadBody) request.body.back() = ',';
  } else {
    request.target += "?filler=" + item.filler;
  }
  return request;
}

std::string read_rest_answer(const CallPlan& plan, uint16_t status, std::string_view content_type,
                             std::string_view body, Answer& answer) {
  answer.http_status = status;
  if (status != 200) {
    if (content_type != "application/problem+json") return "a failure that is no problem+json";
    return read_problem(body, answer) ? "" : "a problem without a code";
  }
  if (plan.method->server_streaming) {
    if (content_type != "application/x-ndjson") return "a stream that is no ndjson";
    return read_lines(body, answer);
  }
  if (content_type != "application/json") return "an answer that is no JSON";
  answer.messages.emplace_back(body);
  return {};
}

}  // namespace parley::simulation
