// Generated messages of generated schemas: wire to JSON to wire means the same to protobuf's
// DynamicMessage. Silent, but for what is wrong, and one line at the end.
//
//   roundtrip --seed 7                one schema and its messages
//   roundtrip --seeds 1..400          many; --small: sizes for a build with sanitizers

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "roundtrip/world.h"
#include "seed_range.h"

namespace parley::roundtrip {
namespace {

struct Options {
  SeedRange seeds;
  Sizes sizes = Sizes::All;
};

std::optional<Options> read_arguments(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    const std::string_view value = i + 1 < count ? arguments[i + 1] : "";
    if (name == "--small") {
      options.sizes = Sizes::Small;
    } else if (options.seeds.read(name, value)) {
      ++i;
    } else {
      return std::nullopt;
    }
  }
  if (options.seeds.first == 0 || options.seeds.first > options.seeds.last) return std::nullopt;
  return options;
}

int run(const Options& options) {
  std::vector<uint64_t> sizes;
  int failed = 0;
  for (uint64_t seed = options.seeds.first; seed <= options.seeds.last; ++seed) {
    World world(seed, options.sizes);
    if (!world.run(sizes)) ++failed;
  }
  std::ranges::sort(sizes);
  uint64_t all = 0;
  for (const uint64_t size : sizes) all += size;
  fmt::print("{} messages of {} schemas, {} bytes in the median, at most {}, {} MB; {} failed\n",
             sizes.size(), options.seeds.count(), sizes[sizes.size() / 2], sizes.back(),
             all / 1'000'000, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace parley::roundtrip

int main(int count, char** arguments) {
  const auto options = parley::roundtrip::read_arguments(count, arguments);
  if (options) return parley::roundtrip::run(*options);
  std::fputs("usage: roundtrip (--seed N | --seeds FIRST..LAST) [--small]\n", stderr);
  return 2;
}
