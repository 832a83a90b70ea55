#include "simulation/contract.h"

#include <utility>

#include <fmt/format.h>

#include "contract/contract_fake.h"
#include "wire/frame.h"

namespace parley::simulation {
namespace {

constexpr std::string_view kProto = R"(
  syntax = "proto3"; package sim.v1;
  import "google/api/annotations.proto";
  message Item { string nonce = 1; uint32 index = 2; string filler = 3; }
  service Echo {
    rpc Say(Item) returns (Item) { option (google.api.http) = { post: "/v1/say" body: "*" }; }
    rpc Get(Item) returns (Item) {
      option idempotency_level = NO_SIDE_EFFECTS;
      option (google.api.http) = { get: "/v1/items/{nonce}" };
    }
    rpc Watch(Item) returns (stream Item) {
      option (google.api.http) = { get: "/v1/items/{nonce}:watch" };
    }
    rpc Collect(stream Item) returns (Item);
    rpc Chat(stream Item) returns (stream Item);
  })";

constexpr size_t kFrameHead = 5;

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>(value % 128 + 128);
  out += static_cast<char>(value);
}
void append_text(std::string& out, uint8_t number, std::string_view text) {
  if (text.empty()) return;
  out += static_cast<char>(number << 3 | 2);
  append_varint(out, text.size());
  out += text;
}
std::optional<uint64_t> take_varint(std::string_view& in) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    value |= uint64_t{byte & 127u} << shift;
    if (byte < 128) return value;
  }
  return std::nullopt;
}

}  // namespace

const std::array<Method, 5> kMethods = {{
    {"/sim.v1.Echo/Say", false, false, "POST", "/v1/say", true},
    {"/sim.v1.Echo/Get", false, false, "GET", "/v1/items/{}", false},
    {"/sim.v1.Echo/Watch", false, true, "GET", "/v1/items/{}:watch", false},
    {"/sim.v1.Echo/Collect", true, false, "", "", false},
    {"/sim.v1.Echo/Chat", true, true, "", "", false},
}};

const std::shared_ptr<const gateway::LoadedContract>& loaded_contract() {
  static const auto loaded =
      std::make_shared<const gateway::LoadedContract>("echo", contract::contract_from(kProto));
  return loaded;
}

Item make_item(std::string_view nonce, uint32_t index, uint32_t filler_bytes) {
  Item item{std::string(nonce), index, {}};
  const std::string pattern = fmt::format("{}.{}/", nonce, index);
  while (item.filler.size() < filler_bytes) item.filler += pattern;
  item.filler.resize(filler_bytes);
  return item;
}

std::string to_wire(const Item& item) {
  std::string wire;
  append_text(wire, 1, item.nonce);
  if (item.index != 0) {
    wire += static_cast<char>(2 << 3);
    append_varint(wire, item.index);
  }
  append_text(wire, 3, item.filler);
  return wire;
}

std::optional<Item> from_wire(std::string_view wire) {
  Item item;
  while (!wire.empty()) {
    const auto tag = take_varint(wire);
    const auto value = tag ? take_varint(wire) : std::nullopt;
    if (!value) return std::nullopt;
    if (*tag == (2 << 3)) {
      item.index = static_cast<uint32_t>(*value);
      continue;
    }
    if ((*tag != (1 << 3 | 2) && *tag != (3 << 3 | 2)) || *value > wire.size()) return std::nullopt;
    (*tag >> 3 == 1 ? item.nonce : item.filler) = wire.substr(0, *value);
    wire.remove_prefix(*value);
  }
  return item;
}

std::string to_json(const Item& item) {
  return fmt::format(R"({{"nonce":"{}","index":{},"filler":"{}"}})", item.nonce, item.index,
                     item.filler);
}

std::string grpc_frame(std::string_view message) {
  const auto head = wire::frame_header(0, static_cast<uint32_t>(message.size()));
  return std::string(head.data(), head.size()).append(message);
}

std::optional<std::string> take_grpc_message(std::string& bytes) {
  if (bytes.size() < kFrameHead) return std::nullopt;
  uint32_t size = 0;
  for (size_t i = 1; i < kFrameHead; ++i) size = size << 8 | static_cast<uint8_t>(bytes[i]);
  if (bytes.size() - kFrameHead < size) return std::nullopt;
  std::string message = bytes.substr(kFrameHead, size);
  bytes.erase(0, kFrameHead + size);
  return message;
}

}  // namespace parley::simulation
