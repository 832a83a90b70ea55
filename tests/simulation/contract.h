#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/snapshot.h"

namespace parley::simulation {

// One method of the simulated contract, as clients and the upstream see it.
struct Method {
  std::string_view path;  // "/sim.v1.Echo/Say"
  bool client_streaming = false;
  bool server_streaming = false;
  // REST: the verb, and the template with the nonce for `{}`. Empty: none.
  std::string_view verb;
  std::string_view route;
  bool has_body = false;  // else the fields are in the query

  bool rest() const { return !verb.empty(); }
};
extern const std::array<Method, 5> kMethods;

// The contract, compiled once for the process.
const std::shared_ptr<const gateway::LoadedContract>& loaded_contract();

// The message of every method, in both directions. What it holds can be computed by who knows the
// nonce, so a message that belongs to another call is found at once.
struct Item {
  std::string nonce;
  uint32_t index = 0;
  std::string filler;
  friend bool operator==(const Item&, const Item&) = default;
};
Item make_item(std::string_view nonce, uint32_t index, uint32_t filler_bytes);
std::string to_wire(const Item& item);
std::optional<Item> from_wire(std::string_view wire);
std::string to_json(const Item& item);  // as ProtoJSON has it, without spaces

// A message in a gRPC frame.
std::string grpc_frame(std::string_view message);
// Takes the first whole frame's message off the front of `bytes`.
std::optional<std::string> take_grpc_message(std::string& bytes);

}  // namespace parley::simulation
