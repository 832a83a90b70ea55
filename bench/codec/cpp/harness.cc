#include "harness.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>

#include <time.h>

namespace codec_bench {
namespace {

// Of the whole process: the CPU's own time, whatever else the machine does.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void repeat(const Work& work, uint64_t times) {
  for (uint64_t i = 0; i < times; ++i) work();
}

double sample(const Work& work, uint64_t times) {
  const double begin = cpu_seconds();
  repeat(work, times);
  return cpu_seconds() - begin;
}

// CPU seconds per message: the least of `samples` samples of about `seconds` each, so that what
// disturbs some of them does not count.
double least_seconds(const Work& work, double seconds, int samples) {
  uint64_t times = 1;
  double taken = sample(work, times);
  while (taken < seconds / 2) {
    times *= taken < seconds / 20 ? 8 : 2;
    taken = sample(work, times);
  }
  times =
      std::max(uint64_t{1}, static_cast<uint64_t>(static_cast<double>(times) * seconds / taken));
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < samples; ++i) {
    least = std::min(least, sample(work, times) / static_cast<double>(times));
  }
  return least;
}

const Work& find(const std::vector<Case>& cases, std::string_view name) {
  const auto found = std::ranges::find(cases, name, &Case::name);
  require(found != cases.end(), "no such case");
  return found->work;
}

void write_out(std::string_view answer) { fwrite(answer.data(), 1, answer.size(), stdout); }

}  // namespace

std::string case_name(std::string_view candidate, Direction direction, const Shape& shape) {
  const bool to_wire = direction == Direction::JsonToWire;
  return std::string(candidate) + (to_wire ? "/json-to-wire/" : "/wire-to-json/") + shape.name;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  require(file.good(), path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Shape> read_documents(const std::string& folder) {
  std::vector<Shape> shapes = {{"user", "lab.ListUsersResponse", {}, {}},
                               {"users100", "lab.ListUsersResponse", {}, {}},
                               {"deep", "lab.Node", {}, {}},
                               {"numbers", "lab.Numbers", {}, {}},
                               {"text", "lab.Text", {}, {}}};
  for (Shape& shape : shapes) shape.json = read_file(folder + "/" + shape.name + ".json");
  return shapes;
}

std::vector<Shape> read_shapes(const std::string& folder) {
  std::vector<Shape> shapes = read_documents(folder);
  for (Shape& shape : shapes) shape.wire = read_file(folder + "/" + shape.name + ".bin");
  return shapes;
}

void require(bool good, std::string_view what) {
  if (good) return;
  fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  exit(1);
}

int run(int argc, char** argv, const MakeCases& make_cases) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string verb = words.size() > 2 ? words[1] : "";
  if (verb == "answer" && words.size() == 3) {
    const std::vector<Case> cases = make_cases(words[0]);
    write_out(find(cases, words[2])());
  } else if (verb == "repeat" && words.size() == 4) {
    repeat(find(make_cases(words[0]), words[3]), std::stoull(words[2]));
  } else if (verb == "time" && words.size() == 5) {
    const std::vector<Case> cases = make_cases(words[0]);
    const double seconds = std::stod(words[2]) * 1e-3;
    printf("%.2f\n", least_seconds(find(cases, words[4]), seconds, std::stoi(words[3])) * 1e9);
  } else {
    require(false, "usage: FOLDER answer CASE | repeat TIMES CASE | time MS SAMPLES CASE");
  }
  return 0;
}

}  // namespace codec_bench
