#include "cli/usage.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

namespace parley::cli {
namespace {

using config::Flags;

constexpr std::array<Command, 4> kCommands = {{
    {"serve", "run the gateway until SIGTERM or SIGINT", Verb::Serve},
    {"check", "load config and contracts, and report every problem at once", Verb::Check},
    {"routes", "print which routes and methods would be served", Verb::Routes},
    {"help", "explain a command: parley help COMMAND", std::nullopt},
}};

constexpr std::array<Flag, 15> kFlags = {{
    {"-u,--upstream", "[NAME=]HOST:PORT,...",
     "A gRPC service to serve, and its endpoints. Repeatable: one for each service. Without NAME "
     "the first endpoint is the name. Also https://HOST:PORT (TLS), dns:///HOST:PORT and "
     "unix:/PATH.",
     &Flags::upstreams},
    {"-l,--listen", "ADDRESS",
     "Where clients connect; 127.0.0.1:8080 unless told. Repeatable. Also [::1]:8080 and "
     "unix:/PATH; port 0 chooses a free one.",
     &Flags::listen},
    {"--tls-cert", "FILE",
     "Speak TLS on every listener, with this certificate (PEM, its chain behind it). Repeatable: "
     "the client's server name chooses. Needs --tls-key.",
     &Flags::tls_cert},
    {"--tls-key", "FILE", "The private key of the certificate that stands in the same place.",
     &Flags::tls_key},
    {"-e,--expose", "[NAME=]all|annotated|SELECTOR,...",
     "Which methods clients may call: all, those with a google.api.http rule, or those selected, "
     "as shop.v1.Orders.* or shop.v1.Orders.Get. Needed when a listener is beyond loopback. "
     "Repeatable, with the NAME of an upstream.",
     &Flags::expose},
    {"--proto", "[NAME=]FILE...",
     "Take the contract from .proto files instead of server reflection. With several upstreams "
     "each file has the NAME of its upstream.",
     &Flags::proto, true},
    {"-I,--include", "[NAME=]DIR", "A folder to find imported .proto files in. Repeatable.",
     &Flags::include},
    {"--descriptor-set", "[NAME=]FILE",
     "Take the contract from a FileDescriptorSet, as `buf build -o` and `protoc "
     "--include_imports --descriptor_set_out` write it.",
     &Flags::descriptor_sets},
    {"-c,--config", "FILE",
     "Settings in YAML; see docs/reference/config.md. Flags beat the file, and a repeated flag "
     "replaces the file's list.",
     &Flags::config},
    {"--admin", "ADDRESS|off",
     "Where /healthz, /readyz and /metrics are; 127.0.0.1:8081 unless told.", &Flags::admin},
    {"--threads", "N", "How many threads serve; as many as there are cores unless told.",
     &Flags::threads},
    {"--log", "text|json|off",
     "How the access log is written to standard output; text unless told.", &Flags::log},
    {"--upgrade-socket", "PATH",
     "Take over from the process that serves with the same PATH, its listening sockets too, and be "
     "taken over from there.",
     &Flags::upgrade_socket, false, Verb::Serve},
    {"--json", "", "Print one JSON object a line instead of a table.", &Arguments::json, false,
     Verb::Routes},
    {"--all", "", "Print the methods too that are not exposed, and why.", &Arguments::all, false,
     Verb::Routes},
}};

constexpr size_t kWidth = 80;

// `text` in lines of at most kWidth, each behind `indent` spaces.
std::string wrapped(std::string_view text, size_t indent) {
  std::string out(indent, ' ');
  size_t column = indent;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (column > indent && column + 1 + end > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + "\n";
}

// "-u, --upstream [NAME=]HOST:PORT,..."
std::string shown(const Flag& flag) {
  std::string text(flag.spelling);
  if (const size_t comma = text.find(','); comma != std::string::npos) text.insert(comma + 1, " ");
  if (!flag.argument.empty()) text += fmt::format(" {}", flag.argument);
  return text;
}

std::string flags_text(Verb verb) {
  std::string text;
  for (const Flag& flag : kFlags) {
    if (!takes(verb, flag)) continue;
    text += fmt::format("  {}{}\n", flag.spelling.starts_with("--") ? "    " : "", shown(flag));
    text += wrapped(flag.doc, 10);
  }
  return text + "  -h, --help\n          Print this.\n";
}

std::string_view example(Verb verb) {
  switch (verb) {
    case Verb::Serve:
      return "  parley serve --upstream 127.0.0.1:50051\n"
             "  parley serve --upstream users=10.0.0.1:50051,10.0.0.2:50051 \\\n"
             "    --listen 0.0.0.0:8080 --expose annotated\n"
             "  parley serve --config parley.yaml --log json\n";
    case Verb::Check:
      return "  parley check --config parley.yaml\n"
             "  parley check --upstream 127.0.0.1:50051 --proto shop.proto -I protos\n";
    case Verb::Routes: break;
  }
  return "  parley routes --upstream 127.0.0.1:50051\n"
         "  parley routes --config parley.yaml --all --json\n";
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto found =
      std::ranges::find_if(kCommands, [&](const Command& one) { return one.name == name; });
  return found == kCommands.end() ? nullptr : &*found;
}

std::span<const Flag> flags() { return kFlags; }

bool takes(Verb verb, const Flag& flag) { return !flag.only || *flag.only == verb; }

std::string usage() {
  std::string text =
      "parley: every protocol in front of gRPC services, from their contract alone\n\n"
      "usage: parley COMMAND [FLAG...]\n\ncommands:\n";
  for (const Command& command : kCommands)
    text += fmt::format("  {:<8}{}\n", command.name, command.does);
  return text +
         "\nA first run: parley serve --upstream 127.0.0.1:50051\n"
         "\nparley COMMAND --help lists the flags of a command, and parley --version prints\n"
         "the version.\n";
}

std::string usage(const Command& command) {
  if (!command.verb) return usage();
  return fmt::format(
      "parley {0}: {1}\n\nusage: parley {0} [FLAG...]\n\nflags:\n{2}\nexamples:\n{3}", command.name,
      command.does, flags_text(*command.verb), example(*command.verb));
}

std::string reference() {
  std::string text = "```text\n" + usage() + "```\n";
  for (const Command& command : kCommands) {
    if (command.verb)
      text += fmt::format("\n## parley {}\n\n```text\n{}```\n", command.name, usage(command));
  }
  return text;
}

}  // namespace parley::cli
