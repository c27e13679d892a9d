// Wall and CPU time of one core for each operation of this room. `raw` rows call the same cipher without our wrapping,
// in the same run, for the ratio.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <memory>

#include "prism/crypto/aead.h"
#include "prism/crypto/agreement.h"
#include "prism/crypto/chunked.h"
#include "prism/crypto/hash.h"
#include "prism/crypto/kdf.h"
#include "prism/crypto/kem.h"
#include "prism/crypto/signature.h"

namespace prism::crypto {
namespace {

/// The same sequence in each run; splitmix64.
class BenchRandom final : public Random {
 public:
  Status fill(MutableByteView out) override {
    for (auto& byte : out) {
      std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      byte = static_cast<std::uint8_t>((z ^ (z >> 27)) >> 40);
    }
    return {};
  }

 private:
  std::uint64_t state_ = 1;
};
BenchRandom& bench_random() {
  static BenchRandom random;
  return random;
}

Kem kem_of(const benchmark::State& state) { return static_cast<Kem>(state.range(0)); }
void name_kem(benchmark::State& state) { state.SetLabel(std::string(name_of(kem_of(state)))); }

void kem_generate(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(KemSecretKey::generate(kem_of(state), bench_random()));
  name_kem(state);
}
void kem_encapsulate(benchmark::State& state) {
  const auto key = *KemSecretKey::generate(kem_of(state), bench_random());
  for (auto _ : state) benchmark::DoNotOptimize(encapsulate(kem_of(state), key.public_key(), bench_random()));
  name_kem(state);
}
void kem_decapsulate(benchmark::State& state) {
  const auto key = *KemSecretKey::generate(kem_of(state), bench_random());
  const auto made = *encapsulate(kem_of(state), key.public_key(), bench_random());
  for (auto _ : state) benchmark::DoNotOptimize(key.decapsulate(made.ciphertext));
  name_kem(state);
}
BENCHMARK(kem_generate)->DenseRange(0, 3);
BENCHMARK(kem_encapsulate)->DenseRange(0, 3);
BENCHMARK(kem_decapsulate)->DenseRange(0, 3);

SignatureAlgorithm algorithm_of(const benchmark::State& state) {
  return static_cast<SignatureAlgorithm>(state.range(0));
}
void name_signature(benchmark::State& state) { state.SetLabel(std::string(name_of(algorithm_of(state)))); }

void sign_generate(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(SigningKey::generate(algorithm_of(state), bench_random()));
  name_signature(state);
}
void sign(benchmark::State& state) {
  const auto key = *SigningKey::generate(algorithm_of(state), bench_random());
  const Bytes message(64, 1);
  for (auto _ : state) benchmark::DoNotOptimize(key.sign(message, "prism/v1/bench", bench_random()));
  name_signature(state);
}
void verify(benchmark::State& state) {
  const auto key = *SigningKey::generate(algorithm_of(state), bench_random());
  const Bytes message(64, 1);
  const auto signature = *key.sign(message, "prism/v1/bench", bench_random());
  for (auto _ : state) benchmark::DoNotOptimize(key.verify_key().verify(message, "prism/v1/bench", signature));
  name_signature(state);
}
void import_verify_key(benchmark::State& state) {
  const auto key = *SigningKey::generate(algorithm_of(state), bench_random());
  const Bytes raw(key.verify_key().raw().begin(), key.verify_key().raw().end());
  for (auto _ : state) benchmark::DoNotOptimize(VerifyKey::from_raw(algorithm_of(state), raw));
  name_signature(state);
}
BENCHMARK(sign_generate)->DenseRange(0, 1);
BENCHMARK(sign)->DenseRange(0, 1);
BENCHMARK(verify)->DenseRange(0, 1);
BENCHMARK(import_verify_key)->DenseRange(0, 1);

void agree(benchmark::State& state) {
  const auto group = static_cast<Group>(state.range(0));
  const auto a = *AgreementKey::generate(group, bench_random()), b = *AgreementKey::generate(group, bench_random());
  for (auto _ : state) benchmark::DoNotOptimize(a.agree(b.public_key()));
  state.SetLabel(std::string(name_of(group)));
}
BENCHMARK(agree)->DenseRange(0, 1);

void expand(benchmark::State& state) {
  const Prk384 prk = hkdf_extract_sha384({}, Bytes(32, 1));
  Bytes out(48);
  for (auto _ : state) benchmark::DoNotOptimize(hkdf_expand_sha384(prk, as_bytes("prism1 c hs"), out));
}
void hmac(benchmark::State& state) {
  const Bytes key(48, 1), message(48, 2);
  for (auto _ : state) benchmark::DoNotOptimize(hmac_sha384(key, message));
}
BENCHMARK(expand)->Name("hkdf_expand_sha384");
BENCHMARK(hmac)->Name("hmac_sha384");

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
void aead_seal_bench(benchmark::State& state) {
  Aead aead{Key256{}};
  Bytes buffer(static_cast<std::size_t>(state.range(0)) + kTagBytes);
  Nonce nonce{};
  const Bytes aad(100, 3);
  for (auto _ : state) {
    ++nonce[0];
    benchmark::DoNotOptimize(aead.seal_into(nonce, aad, ByteView(buffer).first(buffer.size() - kTagBytes), buffer));
  }
  count_bytes(state);
}
void raw_gcm_bench(benchmark::State& state) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  const Bytes key(32), aad(100, 3);
  Nonce nonce{};
  Bytes buffer(static_cast<std::size_t>(state.range(0)) + kTagBytes);
  EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nullptr);
  for (auto _ : state) {
    ++nonce[0];
    int written = 0;
    EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, nonce.data());
    EVP_EncryptUpdate(context.get(), nullptr, &written, aad.data(), static_cast<int>(aad.size()));
    EVP_EncryptUpdate(context.get(), buffer.data(), &written, buffer.data(), static_cast<int>(state.range(0)));
    EVP_EncryptFinal_ex(context.get(), buffer.data(), &written);
    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, buffer.data() + state.range(0));
  }
  count_bytes(state);
}
void chunk_seal_bench(benchmark::State& state) {
  const Bytes plain(static_cast<std::size_t>(state.range(0)), 5);
  Bytes out(static_cast<std::size_t>(chunked_sealed_bytes(plain.size())));
  const Key256 key;
  for (auto _ : state) {
    auto sealer = *ChunkSealer::start(key, as_bytes("context"), bench_random());
    const auto written = sealer.update(plain, out);
    benchmark::DoNotOptimize(sealer.finish(MutableByteView(out).subspan(*written)));
  }
  count_bytes(state);
}
void chunk_open_bench(benchmark::State& state) {
  const Bytes plain(static_cast<std::size_t>(state.range(0)), 5);
  const Key256 key;
  const Bytes sealed = *chunked_seal(key, as_bytes("context"), plain, bench_random());
  ChunkedHead head;
  std::copy_n(sealed.begin(), head.size(), head.begin());
  Bytes out(plain.size());
  for (auto _ : state) {
    auto opener = *ChunkOpener::start(key, as_bytes("context"), head);
    const auto written = opener.update(ByteView(sealed).subspan(head.size()), out);
    benchmark::DoNotOptimize(opener.finish(MutableByteView(out).subspan(*written)));
  }
  count_bytes(state);
}
/// As records do it: every chunk where it stands.
void chunk_in_place_bench(benchmark::State& state) {
  const auto chunks = static_cast<std::size_t>(state.range(0)) / kChunkBytes;
  Bytes buffer(chunks * kSealedChunkBytes);
  const Key256 key;
  for (auto _ : state) {
    auto cipher = *ChunkCipher::make(key, as_bytes("context"), ChunkSalt{});
    for (std::size_t i = 0; i < chunks; ++i) {
      const auto chunk = MutableByteView(buffer).subspan(i * kSealedChunkBytes, kSealedChunkBytes);
      benchmark::DoNotOptimize(cipher.seal_chunk(i, chunk.first(kChunkBytes), chunk));
    }
  }
  count_bytes(state);
}
BENCHMARK(chunk_in_place_bench)->Name("chunks_in_place")->Arg(64 << 10)->Arg(16 << 20);
BENCHMARK(aead_seal_bench)->Name("aead_seal")->Arg(1 << 10)->Arg(16 << 10)->Arg(64 << 10)->Arg(16 << 20);
BENCHMARK(raw_gcm_bench)->Name("raw/aes_256_gcm")->Arg(1 << 10)->Arg(16 << 10)->Arg(64 << 10)->Arg(16 << 20);
BENCHMARK(chunk_seal_bench)->Name("chunked_seal")->Arg(64 << 10)->Arg(16 << 20);
BENCHMARK(chunk_open_bench)->Name("chunked_open")->Arg(64 << 10)->Arg(16 << 20);

}  // namespace
}  // namespace prism::crypto

BENCHMARK_MAIN();
