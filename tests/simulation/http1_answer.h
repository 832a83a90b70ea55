#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace parley::simulation {

// Reads one HTTP/1.1 answer, as strictly as it was to be written. Not the gateway's own parser.
class Http1Answer {
 public:
  // Takes what belongs to the answer off the front of `bytes`; true: it is whole.
  bool take(std::string& bytes);

  bool empty() const { return !started_; }  // nothing has come
  uint16_t status() const { return status_; }
  std::string_view field(std::string_view name) const;
  const std::string& body() const { return body_; }
  // What is wrong with it; empty: nothing.
  const std::string& wrong() const { return wrong_; }

 private:
  enum class Stage : uint8_t { Head, Length, ChunkSize, Chunk, Whole };
  bool take_head(std::string& bytes);
  bool read_head(std::string_view head);
  bool choose_framing();
  bool take_chunk_size(std::string& bytes);
  bool take_chunk(std::string& bytes);
  bool fail(std::string what);

  Stage stage_ = Stage::Head;
  bool started_ = false;
  uint16_t status_ = 0;
  size_t left_ = 0;  // of the body, or the chunk
  std::map<std::string, std::string, std::less<>> fields_;
  std::string body_;
  std::string wrong_;
};

}  // namespace parley::simulation
