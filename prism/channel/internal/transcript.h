// prism/channel/internal/transcript.h - what both sides have said so far, in 48 bytes.
//
// T0 = SHA-384("prism/v1/transcript"); after each part T = SHA-384(T || tag || length as 8 big-endian bytes || part).
// Every part has a tag of its own and its length in front, so two different conversations never hash the same input.
#pragma once
#include <cstdint>

#include "prism/base/bytes.h"
#include "prism/channel/key_schedule.h"

namespace prism::channel {

enum class Part : std::uint8_t {
  first = 1,
  second_header = 2,
  server_identity = 3,
  server_signature = 4,
  server_finished = 5,
  client_identity = 6,
  client_signature = 7,
  client_finished = 8,
};

class Transcript {
 public:
  Transcript();
  const TranscriptHash& absorb(Part part, ByteView bytes);
  const TranscriptHash& hash() const { return hash_; }

 private:
  TranscriptHash hash_;
};

}  // namespace prism::channel
