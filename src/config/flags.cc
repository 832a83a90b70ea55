#include "config/flags.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "config/expose.h"
#include "config/nearest.h"
#include "config/tls.h"
#include "config/word.h"

namespace parley::config {
namespace {

using gateway::UpstreamSettings;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end; (end = text.find(separator)) != std::string_view::npos;) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

// Takes flags apart and puts them over the settings. A problem names the flag as it was written.
class Merge {
 public:
  Merge(gateway::Settings& settings, contract::Problems& problems)
      : settings_(settings), problems_(problems) {}

  void upstreams(const std::vector<std::string>& words);
  void listeners(const std::vector<std::string>& words);
  void certificates(const Flags& flags);
  void expose(const std::vector<std::string>& words);
  void contracts(const Flags& flags);
  template <typename T>
  void one(std::string_view flag, const std::optional<std::string>& word, const Word<T>& type,
           T& target);

 private:
  // "NAME=rest", where an upstream of that name exists.
  struct Named {
    UpstreamSettings* upstream = nullptr;  // nullptr: no name; then `rest` is the whole word
    std::string_view rest;
  };
  // What flags say about one upstream's contract.
  struct ContractFlags {
    std::vector<std::string> proto;
    std::vector<std::string> descriptor_sets;
  };

  void upstream(const std::string& word, std::vector<UpstreamSettings>& known);
  Named named(std::string_view word);
  // The upstream that a contract's file belongs to; nullptr: that was a problem.
  Named owner(std::string_view flag, const std::string& word);
  void contract(ContractFlags& flags, UpstreamSettings& upstream);
  void includes(const std::vector<std::string>& words);
  std::vector<std::string_view> names() const;
  void unknown_upstream(std::string_view flag, const std::string& word);
  void error(std::string_view flag, std::string_view word, Wrong wrong);

  gateway::Settings& settings_;
  contract::Problems& problems_;
};

template <typename T>
void Merge::one(std::string_view flag, const std::optional<std::string>& word, const Word<T>& type,
                T& target) {
  if (!word) return;
  Read<T> read = type.read(*word);
  if (read)
    target = *std::move(read);
  else
    error(flag, *word, std::move(read).error());
}

void Merge::upstreams(const std::vector<std::string>& words) {
  if (words.empty()) return;
  std::vector<UpstreamSettings> known = std::exchange(settings_.upstreams, {});
  for (const std::string& word : words) upstream(word, known);
}

// An upstream that the file has keeps what the file says about it, but for its endpoints.
void Merge::upstream(const std::string& word, std::vector<UpstreamSettings>& known) {
  std::string_view list = word;
  std::string_view name;
  if (const size_t equals = list.find('=');
      equals != std::string_view::npos && is_upstream_name(list.substr(0, equals))) {
    name = list.substr(0, equals);
    list.remove_prefix(equals + 1);
  }
  UpstreamSettings upstream;
  const auto same = std::ranges::find_if(
      known, [&](const UpstreamSettings& one) { return one.connection.name == name; });
  if (!name.empty() && same != known.end()) upstream = *same;
  upstream.connection.endpoints.clear();
  for (const std::string_view part : split(list, ',')) {
    Read<std::string> read = endpoint().read(part);
    if (!read) return error("--upstream", word, std::move(read).error());
    upstream.connection.endpoints.push_back(*std::move(read));
  }
  if (auto wrong = take_scheme(upstream.connection))
    return error("--upstream", word, *std::move(wrong));
  upstream.connection.name = name.empty() ? upstream.connection.endpoints.front() : name;
  const auto taken = names();
  if (std::ranges::find(taken, upstream.connection.name) != taken.end()) {
    return error("--upstream", word,
                 {fmt::format("two upstreams are named {}", upstream.connection.name),
                  "list the endpoints of one upstream with commas, or give it another name: "
                  "--upstream NAME=HOST:PORT"});
  }
  settings_.upstreams.push_back(std::move(upstream));
}

void Merge::listeners(const std::vector<std::string>& words) {
  if (words.empty()) return;
  std::vector<gateway::ListenerSettings> listeners;
  for (const std::string& word : words) {
    Read<std::string> read = listen_address().read(word);
    if (!read) {
      error("--listen", word, std::move(read).error());
      continue;
    }
    // What the file says about the same address stays.
    gateway::ListenerSettings listener;
    for (const gateway::ListenerSettings& one : settings_.listeners) {
      if (one.address == *read) listener = one;
    }
    listener.address = *std::move(read);
    listener.place = {};
    listeners.push_back(std::move(listener));
  }
  settings_.listeners = std::move(listeners);
}

// For every listener: what the file says about TLS stays, but for the certificates.
void Merge::certificates(const Flags& flags) {
  if (flags.tls_cert.empty() && flags.tls_key.empty()) return;
  if (flags.tls_cert.size() != flags.tls_key.size()) {
    const bool more_certs = flags.tls_cert.size() > flags.tls_key.size();
    return error(more_certs ? "--tls-cert" : "--tls-key",
                 more_certs ? flags.tls_cert.back() : flags.tls_key.back(),
                 {more_certs ? "it has no key" : "it has no certificate",
                  "give --tls-cert and --tls-key in pairs"});
  }
  std::vector<net::CertificateFiles> files;
  for (size_t i = 0; i < flags.tls_cert.size(); ++i)
    files.push_back({flags.tls_cert[i], flags.tls_key[i]});
  for (net::TlsProblem& problem : problems_of(files)) {
    const bool of_cert = problem.setting == "cert";
    std::string what = fmt::format("--tls-{}: {}", of_cert ? "cert" : "key", problem.what);
    if (problem.warning)
      problems_.warning({}, std::move(what), std::move(problem.remedy));
    else
      problems_.error({}, std::move(what), std::move(problem.remedy));
  }
  for (gateway::ListenerSettings& one : settings_.listeners) {
    // What sends clients to HTTPS is where they come without it.
    if (one.https_port == 0) one.tls.certificates = files;
  }
}

// What has no name is for all upstreams; what has one beats it.
void Merge::expose(const std::vector<std::string>& words) {
  std::vector<std::string_view> for_all;
  std::map<UpstreamSettings*, std::vector<std::string_view>> by_upstream;
  for (const std::string& word : words) {
    const Named target = named(word);
    if (!target.upstream && word.find('=') != std::string::npos) {
      unknown_upstream("--expose", word);
      continue;
    }
    std::vector<std::string_view>& parts = target.upstream ? by_upstream[target.upstream] : for_all;
    std::ranges::copy(split(target.rest, ','), std::back_inserter(parts));
  }
  for (UpstreamSettings& one : settings_.upstreams) {
    if (!for_all.empty()) by_upstream.try_emplace(&one, for_all);
  }
  for (const auto& [upstream, parts] : by_upstream) {
    Read<gateway::Expose> read = read_expose(parts);
    if (read) {
      upstream->expose = *std::move(read);
    } else {
      error("--expose", fmt::format("{}", fmt::join(parts, ",")), std::move(read).error());
      if (parts == for_all) return;  // once is enough
    }
  }
}

void Merge::contracts(const Flags& flags) {
  if (settings_.upstreams.empty()) return;  // a problem of its own
  std::vector<ContractFlags> by_upstream(settings_.upstreams.size());
  const auto gather = [&](std::string_view flag, const std::vector<std::string>& words,
                          std::vector<std::string> ContractFlags::* member) {
    for (const std::string& word : words) {
      const Named target = owner(flag, word);
      if (!target.upstream) continue;
      const auto index = static_cast<size_t>(target.upstream - settings_.upstreams.data());
      (by_upstream[index].*member).emplace_back(target.rest);
    }
  };
  gather("--proto", flags.proto, &ContractFlags::proto);
  gather("--descriptor-set", flags.descriptor_sets, &ContractFlags::descriptor_sets);
  for (size_t i = 0; i < by_upstream.size(); ++i) contract(by_upstream[i], settings_.upstreams[i]);
  includes(flags.include);
}

void Merge::contract(ContractFlags& flags, UpstreamSettings& upstream) {
  const std::string& name = upstream.connection.name;
  if (flags.descriptor_sets.size() > 1) {
    return error("--descriptor-set", flags.descriptor_sets[1],
                 {fmt::format("upstream {} has a descriptor set already", name),
                  "make one set of all files, as `buf build -o` and `protoc --include_imports` "
                  "do"});
  }
  if (!flags.descriptor_sets.empty() && !flags.proto.empty()) {
    return error(
        "--descriptor-set", flags.descriptor_sets[0],
        {fmt::format("upstream {} has --proto files as well", name), "give one of the two"});
  }
  if (flags.descriptor_sets.empty() && flags.proto.empty()) return;
  upstream.proto.files = std::move(flags.proto);
  upstream.descriptor_set =
      flags.descriptor_sets.empty() ? std::string() : std::move(flags.descriptor_sets[0]);
}

// Without a name: for every upstream that has .proto files.
void Merge::includes(const std::vector<std::string>& words) {
  bool searched = words.empty();
  for (UpstreamSettings& one : settings_.upstreams) {
    std::vector<std::string> folders;
    for (const std::string& word : words) {
      const Named target = named(word);
      if (target.upstream ? target.upstream == &one : !one.proto.files.empty())
        folders.emplace_back(target.rest);
    }
    if (folders.empty()) continue;
    searched = true;
    one.proto.includes = std::move(folders);
  }
  if (searched) return;
  error("--include", words.front(),
        {"no upstream has .proto files that would be searched for there",
         "name the files with --proto FILE"});
}

Merge::Named Merge::named(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos) return {nullptr, word};
  for (UpstreamSettings& one : settings_.upstreams) {
    if (one.connection.name == word.substr(0, equals)) return {&one, word.substr(equals + 1)};
  }
  return {nullptr, word};
}

Merge::Named Merge::owner(std::string_view flag, const std::string& word) {
  Named target = named(word);
  if (target.upstream) return target;
  if (settings_.upstreams.size() == 1) {
    target.upstream = &settings_.upstreams.front();
  } else if (is_upstream_name(word.substr(0, word.find('='))) &&
             word.find('=') != std::string::npos) {
    unknown_upstream(flag, word);
  } else {
    error(flag, word,
          {"it does not say which upstream's contract this is",
           fmt::format("write {} NAME={}; the upstreams are {}", flag, word, joined(names()))});
  }
  return target;
}

void Merge::unknown_upstream(std::string_view flag, const std::string& word) {
  const std::string_view name = std::string_view(word).substr(0, word.find('='));
  error(flag, word, {fmt::format("there is no upstream `{}`", name), suggestion(name, names())});
}

std::vector<std::string_view> Merge::names() const {
  std::vector<std::string_view> names;
  for (const UpstreamSettings& one : settings_.upstreams) names.push_back(one.connection.name);
  return names;
}

void Merge::error(std::string_view flag, std::string_view word, Wrong wrong) {
  problems_.error({}, fmt::format("{} {}: {}", flag, word, wrong.what), std::move(wrong.remedy));
}

}  // namespace

void apply(const Flags& flags, gateway::Settings& settings, contract::Problems& problems) {
  Merge merge(settings, problems);
  merge.upstreams(flags.upstreams);
  merge.listeners(flags.listen);
  merge.certificates(flags);
  merge.expose(flags.expose);
  merge.contracts(flags);
  merge.one("--admin", flags.admin, admin_address(), settings.admin);
  if (flags.admin) settings.admin_place = {};
  merge.one("--threads", flags.threads, threads(), settings.threads);
  merge.one("--upgrade-socket", flags.upgrade_socket, text("path"), settings.upgrade_socket);
  merge.one("--log", flags.log, log_format(), settings.log.format);
}

}  // namespace parley::config
