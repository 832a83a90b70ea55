#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

// What every program of the codec's benchmark does, in each language the same:
//
//   PROGRAM FOLDER answer CASE                the answer, on standard output
//   PROGRAM FOLDER repeat TIMES CASE          does it so many times, to have instructions counted
//   PROGRAM FOLDER time MS SAMPLES CASE       prints the nanoseconds of CPU per message
//
// FOLDER holds SHAPE.json, SHAPE.bin (its wire form) and contract.binpb, the descriptors.
namespace codec_bench {

// Converts one message; the answer is valid until the next call.
using Work = std::function<std::string_view()>;

struct Case {
  std::string name;  // CANDIDATE/DIRECTION/SHAPE, as `case_name` makes it
  Work work;
};

struct Shape {
  std::string name;
  std::string type;  // the message's full name
  std::string json;
  std::string wire;
};

enum class Direction { JsonToWire, WireToJson };

std::string case_name(std::string_view candidate, Direction direction, const Shape& shape);

std::string read_file(const std::string& path);
std::vector<Shape> read_documents(const std::string& folder);  // without their wire forms
std::vector<Shape> read_shapes(const std::string& folder);

// Ends the program when something went wrong: nothing wrong is to be measured.
void require(bool good, std::string_view what);

// `main` of a program. `make_cases`: all that it can do with the shapes of a folder; what the cases
// refer to outlives them.
using MakeCases = std::function<std::vector<Case>(const std::string& folder)>;
int run(int argc, char** argv, const MakeCases& make_cases);

}  // namespace codec_bench
