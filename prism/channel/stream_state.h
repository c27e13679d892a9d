// prism/channel/stream_state.h - what a stream's two ends hold; SessionKeys makes them, stream.cpp runs them.
#pragma once
#include <cstdint>

#include "prism/channel/stream.h"
#include "prism/crypto/chunked.h"

namespace prism::channel {

struct StreamSealer::State {
  RecordId id;
  Bytes head;
  crypto::ChunkSealer chunks;
};

struct StreamOpener::State {
  RecordHeader header;
  crypto::ChunkOpener chunks;
  std::uint64_t body_bytes = 0;
};

}  // namespace prism::channel
