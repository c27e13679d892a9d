// apps/prism/exit_status.h - how the program ends, for scripts.
#pragma once
#include "prism/base/result.h"

namespace prism::app {

enum class ExitStatus {
  ok = 0,
  error = 1,
  usage = 2,
  configuration = 3,
  identity = 4,
  network = 5,
  verification = 6,
  quota = 7,
  interrupted = 130,
};

constexpr ExitStatus exit_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return ExitStatus::usage;
    case ErrorCode::insecure:
    case ErrorCode::configuration:
      return ExitStatus::configuration;
    case ErrorCode::unauthorised:
      return ExitStatus::identity;
    case ErrorCode::integrity:
      return ExitStatus::verification;
    case ErrorCode::interrupted:
      return ExitStatus::interrupted;
    case ErrorCode::network:
      return ExitStatus::network;
    case ErrorCode::quota:
      return ExitStatus::quota;
    case ErrorCode::not_found:
    case ErrorCode::malformed:
    case ErrorCode::unsupported:
    case ErrorCode::refused:
    case ErrorCode::level_exhausted:
    case ErrorCode::noise_exceeded:
    case ErrorCode::mismatch:
    case ErrorCode::io:
    case ErrorCode::exhausted:
      return ExitStatus::error;
  }
  return ExitStatus::error;
}

}  // namespace prism::app
