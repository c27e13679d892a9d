// prism/custody/ids.h - the public names of keys and tables: 16 random bytes each, shown as 32 hexadecimal digits.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/base/result.h"

namespace prism::custody {

template <class Tag>
struct Id {
  std::array<std::uint8_t, 16> bytes{};

  static Result<Id> random(Random& random) {
    Id id;
    PRISM_CHECKED(random.fill(id.bytes));
    return id;
  }
  constexpr auto operator<=>(const Id&) const = default;
  ByteView view() const { return bytes; }
  std::string hex() const { return to_hex(bytes); }
};

/// Which master key: written into every table it seals, so that a wrong key is named before it is tried.
using KeyId = Id<struct KeyIdTag>;
/// Which sealed table: fresh for every seal run, because the table's secrets are derived from it.
using TableId = Id<struct TableIdTag>;

/// The inverse of TableId::hex(): 32 lower-case digits, nothing else.
std::optional<TableId> table_id_from_hex(std::string_view text);

}  // namespace prism::custody
