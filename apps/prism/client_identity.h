// apps/prism/client_identity.h - the key that a client signs with, and how earlier keys led to it.
//
//   client.key             PEM, the secret half (prism keygen)
//   client.key.rotations   the chain of hand-overs, where this key followed another (channel::encode_rotations)
#pragma once
#include <string>
#include <vector>

#include "prism/channel/bundle.h"
#include "prism/crypto/signature.h"

namespace prism::app {

struct ClientIdentity {
  crypto::SigningKey key;
  std::vector<channel::RotationLink> rotations;
};
Result<ClientIdentity> load_client_identity(const std::string& path, const std::string& passphrase_file);

/// The file beside a secret key that holds its chain.
std::string rotations_path(const std::string& identity);

}  // namespace prism::app
