#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contract/problem.h"
#include "gateway/settings.h"

namespace parley::config {

// What the command line says, word by word: each flag as it was written, repeated ones in order.
struct Flags {
  std::optional<std::string> config;         // a file: parley.yaml
  std::vector<std::string> upstreams;        // [NAME=]ENDPOINT[,ENDPOINT...]
  std::vector<std::string> expose;           // [NAME=]all|annotated|SELECTOR[,SELECTOR...]
  std::vector<std::string> proto;            // [NAME=]FILE
  std::vector<std::string> include;          // [NAME=]DIR
  std::vector<std::string> descriptor_sets;  // [NAME=]FILE
  std::vector<std::string> listen;
  std::vector<std::string> tls_cert;  // FILE; the keys in the same order
  std::vector<std::string> tls_key;
  std::optional<std::string> admin;
  std::optional<std::string> threads;
  std::optional<std::string> log;
  std::optional<std::string> upgrade_socket;
};

// Puts the flags over the settings, which hold what the file says. A repeated flag replaces the
// file's list; an upstream whose name the file has keeps the rest of its settings. Problems name
// the flag.
void apply(const Flags& flags, gateway::Settings& settings, contract::Problems& problems);

}  // namespace parley::config
