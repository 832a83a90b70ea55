#include "simulation/http1_answer.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace parley::simulation {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

// All of the text as a number.
bool read_number(std::string_view text, int base, size_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

bool Http1Answer::take(std::string& bytes) {
  started_ = started_ || !bytes.empty();
  for (bool moved = true; moved && wrong_.empty();) {
    switch (stage_) {
      case Stage::Head: moved = take_head(bytes); break;
      case Stage::Length: {
        const size_t size = std::min(left_, bytes.size());
        body_.append(bytes, 0, size);
        bytes.erase(0, size);
        left_ -= size;
        moved = left_ == 0;
        if (moved) stage_ = Stage::Whole;
        break;
      }
      case Stage::ChunkSize: moved = take_chunk_size(bytes); break;
      case Stage::Chunk: moved = take_chunk(bytes); break;
      case Stage::Whole: return true;
    }
  }
  return false;
}

bool Http1Answer::fail(std::string what) {
  wrong_ = "the answer is not valid HTTP/1.1: " + std::move(what);
  return false;
}

std::string_view Http1Answer::field(std::string_view name) const {
  const auto found = fields_.find(name);
  return found == fields_.end() ? std::string_view() : found->second;
}

bool Http1Answer::take_head(std::string& bytes) {
  const size_t end = bytes.find(kHeadEnd);
  if (end == std::string::npos) return false;
  const std::string head = bytes.substr(0, end + kLineEnd.size());
  bytes.erase(0, end + kHeadEnd.size());
  return read_head(head) && choose_framing();
}

bool Http1Answer::read_head(std::string_view head) {
  size_t status = 0;
  if (!head.starts_with("HTTP/1.1 ") || !read_number(head.substr(9, 3), 10, status))
    return fail("its status line");
  status_ = static_cast<uint16_t>(status);
  head.remove_prefix(head.find(kLineEnd) + kLineEnd.size());
  while (!head.empty()) {
    const size_t end = head.find(kLineEnd);
    const std::string_view line = head.substr(0, end);
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return fail("a field without a value");
    const bool fresh = fields_.emplace(line.substr(0, colon), line.substr(colon + 2)).second;
    if (!fresh) return fail("a field twice");
    head.remove_prefix(end + kLineEnd.size());
  }
  return true;
}

bool Http1Answer::choose_framing() {
  const std::string_view length = field("content-length");
  const bool chunked = field("transfer-encoding") == "chunked";
  if (chunked == !length.empty()) return fail("not exactly one kind of framing");
  if (!chunked && !read_number(length, 10, left_)) return fail("its content-length");
  stage_ = chunked ? Stage::ChunkSize : left_ == 0 ? Stage::Whole : Stage::Length;
  return true;
}

bool Http1Answer::take_chunk_size(std::string& bytes) {
  const size_t end = bytes.find(kLineEnd);
  if (end == std::string::npos) return false;
  if (!read_number(std::string_view(bytes).substr(0, end), 16, left_))
    return fail("the size of a chunk");
  bytes.erase(0, end + kLineEnd.size());
  stage_ = Stage::Chunk;
  return true;
}

bool Http1Answer::take_chunk(std::string& bytes) {
  if (bytes.size() < left_ + kLineEnd.size()) return false;
  if (std::string_view(bytes).substr(left_, kLineEnd.size()) != kLineEnd)
    return fail("a chunk that does not end");
  body_.append(bytes, 0, left_);
  bytes.erase(0, left_ + kLineEnd.size());
  stage_ = left_ == 0 ? Stage::Whole : Stage::ChunkSize;
  return true;
}

}  // namespace parley::simulation
