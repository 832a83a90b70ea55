// Loading: google.api.http, or what the configuration puts in its place, becomes `HttpRule`s whose
// variables and bodies are fields of the messages (google/api/http.proto).
#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "base/ascii.h"
#include "contract/api_options.h"
#include "contract/draft.h"

namespace parley::contract {
namespace {

using FieldPath = std::span<const Field* const>;

// tchar of RFC 9110, 5.6.2: what a method's name is made of.
bool is_verb(std::string_view verb) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !verb.empty() && std::ranges::all_of(verb, [&](char c) {
    return ascii_alpha(c) || ascii_digit(c) || kMarks.find(c) != std::string_view::npos;
  });
}

// Whether a path or query value can be text for a field of that message type.
bool is_scalar_like(const Message& message) {
  switch (message.well_known) {
    case WellKnown::Timestamp:
    case WellKnown::Duration:
    case WellKnown::FieldMask:
    case WellKnown::DoubleValue:
    case WellKnown::FloatValue:
    case WellKnown::Int64Value:
    case WellKnown::Uint64Value:
    case WellKnown::Int32Value:
    case WellKnown::Uint32Value:
    case WellKnown::BoolValue:
    case WellKnown::StringValue:
    case WellKnown::BytesValue: return true;
    default: return false;
  }
}

// Why `field` cannot be where the path goes through (`last` false) or ends.
std::string_view unfit_for_path(const Field& field, bool last) {
  if (field.map) return "is a map";
  if (field.repeated) return "is repeated";
  if (!last) return field.message ? "" : "is no message";
  if (field.message && !is_scalar_like(*field.message)) return "is a message";
  return {};
}

// Makes the rules of one method, which get their place in the contract when it is destroyed.
class RuleBinder {
 public:
  RuleBinder(Draft& draft, Method& method) : draft_(draft), method_(method) {}
  RuleBinder(const RuleBinder&) = delete;
  RuleBinder& operator=(const RuleBinder&) = delete;
  ~RuleBinder() { method_.rules = keep(rules_); }

  void bind(const ConfiguredRule& written, Location where, bool from_config) {
    add(written, where, from_config);
    for (const ConfiguredRule& each : written.additional) {
      const Location own = each.line > 0 ? location_of(each) : where;
      if (!each.additional.empty())
        error(own, "has additional_bindings within additional_bindings",
              "list them side by side in the outer rule");
      add(each, own, from_config);
    }
  }

  Location location_of(const ConfiguredRule& rule) {
    return {draft_.storage->texts.copy(rule.file), rule.line, rule.column};
  }

 private:
  std::string_view keep(std::string_view text) { return draft_.storage->texts.copy(text); }
  template <typename T>
  std::span<const T> keep(const std::vector<T>& all) {
    if (all.empty()) return {};
    auto* const to = static_cast<T*>(draft_.storage->texts.allocate(all.size() * sizeof(T)));
    std::ranges::uninitialized_copy(all, std::span(to, all.size()));
    return {to, all.size()};
  }

  void error(const Location& where, std::string_view what, std::string remedy) {
    draft_.problems.error(where, fmt::format("the HTTP rule of {} {}", method_.full_name, what),
                          std::move(remedy));
  }

  void add(const ConfiguredRule& written, const Location& where, bool from_config) {
    if (written.verb.empty() && written.path.empty())
      return error(where, "has no path", "write get, put, post, delete, patch or custom");
    if (!is_verb(written.verb))
      return error(where, fmt::format("has \"{}\" for an HTTP method", written.verb),
                   "write its name in capitals, or \"*\" for every method");
    auto path = PathTemplate::parse(keep(written.path), draft_.storage->texts);
    if (!path)
      return error(where,
                   fmt::format("has a bad path \"{}\": {}", written.path, path.error().message()),
                   "see google/api/http.proto for its syntax");
    HttpRule rule;
    rule.verb = keep(written.verb);
    rule.path = *path;
    rule.body = keep(written.body);
    rule.response_body = keep(written.response_body);
    rule.from_config = from_config;
    rule.location = where;
    if (!method_.input || !method_.output) return;  // reported: its type is missing
    bind_variables(rule);
    bind_body(rule);
    check_repeated(rule);
    rules_.push_back(rule);
  }

  // Routes of different methods are compared where the routes of all contracts come together.
  void check_repeated(const HttpRule& rule) {
    for (const HttpRule& other : rules_)
      if (other.verb == rule.verb && other.path.shape() == rule.path.shape())
        return error(rule.location,
                     fmt::format("has the route {} {} twice", rule.verb, rule.path.text),
                     "leave one of them out");
  }

  void bind_variables(HttpRule& rule) {
    std::vector<FieldPath> variables;
    for (const auto& variable : rule.path.variables)
      variables.push_back(bind_variable(rule, variable.field_path));
    rule.variables = keep(variables);
    for (size_t i = 0; i < rule.variables.size(); ++i)
      for (size_t j = 0; j < i; ++j) check_pair(rule, j, i);
  }

  // The fields of `a.b.c`; empty when they do not lead to a value.
  FieldPath bind_variable(const HttpRule& rule, std::string_view path) {
    std::vector<const Field*> out;
    const Message* scope = method_.input;
    std::string_view rest = path;
    while (scope) {
      const size_t dot = std::min(rest.find('.'), rest.size());
      const bool last = dot == rest.size();
      const Field* field = find(*scope, rest.substr(0, dot), rule.location, path);
      if (!field) return {};
      if (const auto why = unfit_for_path(*field, last); !why.empty()) {
        error(rule.location, fmt::format("binds {{{}}}, but {} {}", path, field->full_name, why),
              "bind a singular field that has one value");
        return {};
      }
      out.push_back(field);
      if (last) return keep(out);
      scope = field->message;
      rest.remove_prefix(dot + 1);
    }
    return {};
  }

  const Field* find(const Message& scope, std::string_view name, const Location& where,
                    std::string_view path) {
    if (const Field* field = scope.find(name)) return field;
    const Field* json = scope.find_json(name);
    error(where,
          fmt::format("names \"{}\", but {} has no field \"{}\"", path, scope.full_name, name),
          json ? fmt::format("write \"{}\", as it is declared", json->name)
               : fmt::format("use a field that {} declares", scope.name));
    return nullptr;
  }

  // Two variables that would write the same place can never both be right.
  void check_pair(const HttpRule& rule, size_t first, size_t second) {
    const FieldPath& a = rule.variables[first];
    const FieldPath& b = rule.variables[second];
    if (a.empty() || b.empty()) return;
    const auto [at_a, at_b] = std::ranges::mismatch(a, b);
    const auto& name_a = rule.path.variables[first].field_path;
    const auto& name_b = rule.path.variables[second].field_path;
    if (at_a == a.end() || at_b == b.end())
      error(rule.location, fmt::format("binds {{{}}} and {{{}}} to the same field", name_a, name_b),
            "leave one of them out");
    else if ((*at_a)->oneof && (*at_a)->oneof == (*at_b)->oneof)
      error(rule.location,
            fmt::format("binds {{{}}} and {{{}}}, two members of the oneof \"{}\"", name_a, name_b,
                        (*at_a)->oneof->name),
            "leave one of them out");
  }

  void bind_body(HttpRule& rule) {
    if (!rule.body.empty() && rule.body != "*") rule.body_field = top_level(rule, rule.body, true);
    if (!rule.response_body.empty())
      rule.response_field = top_level(rule, rule.response_body, false);
    for (size_t i = 0; i < rule.variables.size(); ++i)
      if (rule.variables[i].size() == 1 && rule.variables[i].front() == rule.body_field)
        error(rule.location,
              fmt::format("binds {} from the path and from the body", rule.body_field->full_name),
              "bind it from one of them");
  }

  const Field* top_level(const HttpRule& rule, std::string_view name, bool request) {
    if (name.find('.') == std::string_view::npos && name != "*")
      return find(request ? *method_.input : *method_.output, name, rule.location, name);
    error(rule.location, fmt::format("has \"{}\" for {}", name, request ? "body" : "response_body"),
          request ? "write \"*\" or a field of the request itself"
                  : "write a field of the response itself, or leave it out for all of it");
    return nullptr;
  }

  Draft& draft_;
  Method& method_;
  std::vector<HttpRule> rules_;
};

void bind_annotation(Draft& draft, Method& method, Location where) {
  const MethodAnnotations annotations = method_annotations_of(method.options);
  if (where.line == 0) where = method.location;
  if (annotations.malformed)
    draft.problems.error(
        where, fmt::format("the option google.api.http of {} is malformed", method.full_name),
        "build the descriptor set anew");
  RuleBinder binder(draft, method);
  for (const ConfiguredRule& rule : annotations.rules) binder.bind(rule, where, false);
}

// The last rule of each selector; earlier ones are reported.
std::unordered_map<std::string_view, size_t> rules_by_selector(
    Draft& draft, const std::vector<ConfiguredRule>& rules) {
  std::unordered_map<std::string_view, size_t> out;
  for (size_t i = 0; i < rules.size(); ++i) {
    const auto [at, added] = out.try_emplace(rules[i].selector, i);
    if (added) continue;
    const ConfiguredRule& before = rules[at->second];
    draft.problems.warning(
        {before.file, before.line, before.column},
        fmt::format("a later HTTP rule for {} replaces this one", before.selector),
        "use additional_bindings for a second route");
    at->second = i;
  }
  return out;
}

}  // namespace

std::vector<size_t> bind_http_rules(Draft& draft, const std::vector<ConfiguredRule>& configured) {
  const auto by_selector = rules_by_selector(draft, configured);
  std::vector<bool> matched(configured.size());
  for (Method& method : draft.storage->methods) {
    const auto rule = by_selector.find(method.full_name);
    if (rule == by_selector.end()) {
      bind_annotation(draft, method, draft.rule_locations[method.index]);
      continue;
    }
    const ConfiguredRule& written = configured[rule->second];
    matched[rule->second] = true;
    RuleBinder binder(draft, method);
    binder.bind(written, binder.location_of(written), true);
  }
  std::vector<size_t> unmatched;
  for (const auto& [selector, rule] : by_selector)
    if (!matched[rule]) unmatched.push_back(rule);
  std::ranges::sort(unmatched);
  return unmatched;
}

}  // namespace parley::contract
