// prism/crypto/self_test.h - whether the cryptography of this machine computes what the standards say.
#pragma once
#include <string_view>

#include "prism/base/result.h"

namespace prism::crypto {

/// Known answers of every algorithm of this room, and a changed signature and tag that must be refused; some
/// milliseconds. Errors: integrity, naming the algorithm. Nothing should be served then.
Status self_test();

/// "OpenSSL 3.5.7 9 Jun 2026": the library that is loaded, which may be newer than the one built against.
std::string_view library_version();

}  // namespace prism::crypto
