#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace parley {

// Names that our code looks up or writes have an id, so that no hot path compares text.
// The list is in fields.cc, in the same order.
enum class FieldId : uint8_t {
  Other,
  PseudoAuthority,
  PseudoMethod,
  PseudoPath,
  PseudoScheme,
  PseudoStatus,
  Accept,
  AcceptEncoding,
  AcceptLanguage,
  AcceptPatch,
  Allow,
  Authorization,
  Baggage,
  CacheControl,
  Connection,
  ContentEncoding,
  ContentLanguage,
  ContentLength,
  ContentType,
  Cookie,
  Date,
  Etag,
  Expect,
  Forwarded,
  GrpcAcceptEncoding,
  GrpcEncoding,
  GrpcMessage,
  GrpcStatus,
  GrpcStatusDetailsBin,
  GrpcTimeout,
  Host,
  Http2Settings,
  KeepAlive,
  LastModified,
  Link,
  Location,
  Origin,
  Prefer,
  ProxyAuthenticate,
  ProxyAuthorization,
  ProxyConnection,
  Range,
  Referer,
  RetryAfter,
  Server,
  SetCookie,
  Te,
  Traceparent,
  Tracestate,
  Trailer,
  TransferEncoding,
  Upgrade,
  UserAgent,
  Vary,
  Via,
  WwwAuthenticate,
  XForwardedFor,
  XForwardedHost,
  XForwardedProto,
  XForwardedUserAgent,
  XRequestId,
  XRequestTimeout,
};
inline constexpr size_t kFieldIdCount = static_cast<size_t>(FieldId::XRequestTimeout) + 1;

// The lower-case name of an id. REQUIRES: id != Other.
std::string_view field_name(FieldId id);

// The id of a lower-case name; `Other` when it has none.
FieldId field_id(std::string_view name);

struct FieldLimits {
  // The sum over all fields of name + value + 32 (RFC 9113, SETTINGS_MAX_HEADER_LIST_SIZE).
  uint32_t bytes_max = 64 * 1024;
  uint32_t count_max = 128;
};

struct Field {
  std::string_view name;  // lower case
  std::string_view value;
  FieldId id = FieldId::Other;
  bool never_index = false;  // HPACK's "never indexed" literal (RFC 7541, 6.2.3)
};

// An ordered list of fields: HTTP headers, trailers and gRPC metadata alike. Names are lower case;
// repeated fields keep their order. Views that it gives live until the next change.
//
// One block of memory holds the text from its start and the entries from its end.
class Fields {
 public:
  class Iterator;

  Fields() = default;
  explicit Fields(FieldLimits limits) : limits_(limits) {}
  Fields(Fields&& other) noexcept;
  Fields(const Fields& other);
  Fields& operator=(Fields other) noexcept;
  ~Fields();

  // Appends a field that came from outside; the name is lowered. False, and nothing is appended,
  // when a limit would be passed: the caller answers with the failure that fits its protocol.
  [[nodiscard]] bool append(std::string_view name, std::string_view value,
                            bool never_index = false);
  [[nodiscard]] bool append(FieldId id, std::string_view value, bool never_index = false);
  // A field of another list, as it is there.
  [[nodiscard]] bool append(const Field& field);
  // The same, but before the field at `index`. REQUIRES: index <= size().
  [[nodiscard]] bool insert(size_t index, FieldId id, std::string_view value);

  // Appends a field of our own, limits or not.
  void add(std::string_view name, std::string_view value);
  void add(FieldId id, std::string_view value) { push({field_name(id), value, id, false}); }
  // A field of another list, as it is there.
  void add(const Field& field) { push(field); }

  // Removes every field of that name, then adds one.
  void set(FieldId id, std::string_view value);
  void set(std::string_view name, std::string_view value);
  size_t remove(FieldId id);
  size_t remove(std::string_view name);
  void clear();

  // The value of the first field of that name.
  std::optional<std::string_view> find(FieldId id) const;
  std::optional<std::string_view> find(std::string_view name) const;
  size_t count(FieldId id) const;

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  size_t bytes() const { return list_bytes_; }  // as FieldLimits::bytes_max counts
  const FieldLimits& limits() const { return limits_; }

  Field operator[](size_t index) const {
    const Entry& entry = this->entry(index);
    return {{block_ + entry.offset, entry.name_size},
            {block_ + entry.offset + entry.name_size, entry.value_size},
            entry.id,
            entry.never_index};
  }
  Iterator begin() const;
  Iterator end() const;

 private:
  struct Entry {
    uint32_t offset;
    uint32_t value_size;
    uint16_t name_size;
    FieldId id;
    bool never_index;
  };

  void push(const Field& field);
  void identify_last();
  bool fits(size_t name_size, size_t value_size) const;
  void grow(size_t text);
  template <typename Matches>
  size_t remove_if(Matches matches);
  const Entry& entry(size_t index) const {
    return reinterpret_cast<const Entry*>(block_ +
                                          capacity_)[-1 - static_cast<std::ptrdiff_t>(index)];
  }
  Entry& entry(size_t index) {
    return reinterpret_cast<Entry*>(block_ + capacity_)[-1 - static_cast<std::ptrdiff_t>(index)];
  }

  char* block_ = nullptr;
  uint32_t capacity_ = 0;
  uint32_t text_size_ = 0;
  uint32_t count_ = 0;
  uint32_t list_bytes_ = 0;
  FieldLimits limits_;
};

class Fields::Iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = Field;
  using difference_type = std::ptrdiff_t;

  Iterator() = default;
  Iterator(const Fields* fields, size_t index) : fields_(fields), index_(index) {}
  Field operator*() const { return (*fields_)[index_]; }
  Iterator& operator++() {
    ++index_;
    return *this;
  }
  Iterator operator++(int) {
    Iterator before = *this;
    ++index_;
    return before;
  }
  friend bool operator==(const Iterator&, const Iterator&) = default;

 private:
  const Fields* fields_ = nullptr;
  size_t index_ = 0;
};

inline Fields::Iterator Fields::begin() const { return {this, 0}; }
inline Fields::Iterator Fields::end() const { return {this, count_}; }

}  // namespace parley
