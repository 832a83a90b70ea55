#pragma once

#include <expected>
#include <utility>

#include "base/failure.h"

namespace parley {

// A value, or why there is none. `return Failure(...)` and `return value` both work.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Failure> {
 public:
  using std::expected<T, Failure>::expected;
  Result(Failure&& failure) : std::expected<T, Failure>(std::unexpect, std::move(failure)) {}
  Result(Failure& failure) : Result(std::move(failure)) {}  // the end of a chain: Failure(..).x()
};

template <>
class [[nodiscard]] Result<void> : public std::expected<void, Failure> {
 public:
  using std::expected<void, Failure>::expected;
  Result(Failure&& failure) : std::expected<void, Failure>(std::unexpect, std::move(failure)) {}
  Result(Failure& failure) : Result(std::move(failure)) {}
};

}  // namespace parley

#define PARLEY_JOIN_2(a, b) a##b
#define PARLEY_JOIN(a, b) PARLEY_JOIN_2(a, b)
#define PARLEY_TRY(return_keyword, result, name, ...) \
  auto result = (__VA_ARGS__);                        \
  if (!result.has_value()) [[unlikely]]               \
    return_keyword std::move(result.error());         \
  auto name = *std::move(result)

// TRY(name, expression): `name` becomes the value of a `Result`, or the function returns its
// failure. TRY_VOID(expression): the same for Result<void>. CO_TRY, CO_TRY_VOID: in a coroutine.
#define TRY(name, ...) PARLEY_TRY(return, PARLEY_JOIN(try_, __LINE__), name, __VA_ARGS__)
#define CO_TRY(name, ...) PARLEY_TRY(co_return, PARLEY_JOIN(try_, __LINE__), name, __VA_ARGS__)
#define TRY_VOID(...)                                              \
  do {                                                             \
    if (auto try_ = (__VA_ARGS__); !try_.has_value()) [[unlikely]] \
      return std::move(try_.error());                              \
  } while (false)
#define CO_TRY_VOID(...)                                           \
  do {                                                             \
    if (auto try_ = (__VA_ARGS__); !try_.has_value()) [[unlikely]] \
      co_return std::move(try_.error());                           \
  } while (false)
