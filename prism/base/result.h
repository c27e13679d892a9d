// prism/base/result.h - the outcome of anything that may be refused: a value, or one Error that says why.
//
// Our own small type with std::expected's member names, because the WASM toolchain's library has no <expected>.
// Errors are for what peers, users and files do wrong; a broken invariant of ours is check() (check.h).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "prism/base/check.h"

namespace prism {

/// What went wrong, coarse enough to map onto an exit code or an HTTP status.
enum class ErrorCode {
  invalid_argument,  ///< the caller asked for something that makes no sense
  not_found,         ///< a file, column, key or table that is not there
  malformed,         ///< bytes that do not parse, or fail a check on the way in
  unsupported,       ///< understood, but outside what this program does
  refused,           ///< understood and possible, but against a rule (security, policy)
  insecure,          ///< parameters below the security asked for
  level_exhausted,   ///< the circuit is deeper than the parameters
  noise_exceeded,    ///< a ciphertext's public bound is past what decrypts
  mismatch,          ///< operands, keys or files that do not belong together
  unauthorised,      ///< wrong key or passphrase
  integrity,         ///< a digest, tag or root that does not verify
  io,                ///< the operating system said no
  interrupted,       ///< the user stopped it
  exhausted,         ///< memory, disk or another bounded resource
  network,           ///< the other side cannot be reached, or the connection broke
  quota,             ///< a limit that is kept for this caller is used up for now
  configuration,     ///< settings of a program that are wrong, or do not go together
};
/// `invalid_argument`, ... : stable names, used in JSON.
std::string_view name_of(ErrorCode code);

/// `message` names what was found, what was wanted and the way out; never a secret, never a row of data.
/// `detail` is optional structured context (a position, a rule id), shown after the message.
struct Error {
  ErrorCode code;
  std::string message;
  std::string detail{};
};

namespace detail {
/// Stops the process; says which error was taken for a value.
[[noreturn]] void value_of_error(const Error& error);
}  // namespace detail

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  /// Stops the process with the error's message when there is no value: small programs may rely on it.
  T& value() & {
    if (!has_value()) [[unlikely]]
      detail::value_of_error(*std::get_if<1>(&state_));
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    if (!has_value()) [[unlikely]]
      detail::value_of_error(*std::get_if<1>(&state_));
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    if (!has_value()) [[unlikely]]
      detail::value_of_error(*std::get_if<1>(&state_));
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& {
    check(!has_value(), "Result::error() on a value");
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    check(!has_value(), "Result::error() on a value");
    return std::move(*std::get_if<1>(&state_));
  }

  template <class F>
  auto and_then(F&& f) && -> std::invoke_result_t<F, T&&> {
    if (!has_value()) return std::move(*this).error();
    return std::forward<F>(f)(std::move(*this).value());
  }

 private:
  std::variant<T, Error> state_;
};

/// The outcome of something done for its effect.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& {
    check(!has_value(), "Result::error() on a value");
    return *error_;
  }
  Error&& error() && {
    check(!has_value(), "Result::error() on a value");
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};
using Status = Result<void>;

namespace detail {
inline std::string text(std::string s) { return s; }
inline std::string text(std::string_view s) { return std::string(s); }
inline std::string text(const char* s) { return s; }
inline std::string text(char c) { return std::string(1, c); }
template <class T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, char>)
std::string text(T v) {
  return std::to_string(v);
}
}  // namespace detail

/// fail(ErrorCode::mismatch, "levels ", 3, " and ", 5, "; call drop_to on the higher one")
template <class... Parts>
Error fail(ErrorCode code, const Parts&... parts) {
  return {code, (detail::text(parts) + ... + std::string()), {}};
}

}  // namespace prism

#define PRISM_CAT_(a, b) a##b
#define PRISM_CAT(a, b) PRISM_CAT_(a, b)
/// PRISM_TRY(const auto x, f()); binds the value or returns the error.
#define PRISM_TRY(declaration, expression)                                             \
  auto PRISM_CAT(try_, __LINE__) = (expression);                                       \
  if (!PRISM_CAT(try_, __LINE__)) return std::move(PRISM_CAT(try_, __LINE__)).error(); \
  declaration = *std::move(PRISM_CAT(try_, __LINE__))
/// PRISM_CHECKED(f()); for Status: returns the error if there is one.
#define PRISM_CHECKED(expression)                    \
  do {                                               \
    auto status_ = (expression);                     \
    if (!status_) return std::move(status_).error(); \
  } while (false)
