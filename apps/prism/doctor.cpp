#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/crypto/self_test.h"
#include "prism/exact/decryptor.h"
#include "prism/exact/encoder.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "prism/host/system.h"
#include "prism/host/thread_pool.h"
#include "prism/kernels/kernels.h"

namespace prism::app {
namespace {

/// Makes keys, multiplies and adds encrypted numbers, and compares what comes out.
Status self_test() {
  exact::Intent intent;
  intent.depth = 1;
  intent.largest_sum = 1 << 30;
  PRISM_TRY(const auto parameters, exact::parameters_for(intent));
  host::SystemRandom random;
  PRISM_TRY(const rlwe::SecretKey key, rlwe::SecretKey::generate(parameters->rlwe_ptr(), random));
  rlwe::EvaluationKeys keys(parameters->rlwe_ptr());
  PRISM_TRY(auto relinearise, rlwe::make_switch_key(key, {rlwe::KeyId::Kind::relinearise, 0, parameters->max_level()},
                                                    parameters->error_scale(), random));
  keys.add(std::move(relinearise));
  std::vector<std::int64_t> a(parameters->slots()), b(parameters->slots());
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<std::int64_t>(i) - 500;
    b[i] = static_cast<std::int64_t>(i * i % 997);
  }
  const exact::Encoder encoder(parameters);
  const exact::SymmetricEncryptor encryptor(key, parameters);
  const exact::Evaluator evaluator(parameters);
  const exact::Decryptor decryptor(key, parameters);
  PRISM_TRY(const auto pa, encoder.encode(a));
  PRISM_TRY(const auto pb, encoder.encode(b));
  PRISM_TRY(const auto ca, encryptor.encrypt(pa, random));
  PRISM_TRY(const auto cb, encryptor.encrypt(pb, random));
  PRISM_TRY(const auto sum, evaluator.add(ca, cb));
  PRISM_TRY(const auto product, evaluator.multiply_relinearise(sum, cb, keys));
  PRISM_TRY(const auto opened, decryptor.decrypt(product));
  const std::vector<std::int64_t> values = encoder.decode(opened);
  for (std::size_t i = 0; i < a.size(); ++i)
    if (values[i] != (a[i] + b[i]) * b[i])
      return fail(ErrorCode::integrity,
                  "the self test decrypted a wrong number: this machine or this build computes wrongly");
  return {};
}

Status run() {
  std::string out = "prism " PRISM_VERSION "\n";
  const auto line = [&](std::string_view name, const std::string& value) {
    out += fmt::format("  {:<10} {}\n", name, value);
  };
  line("built with", fmt::format("{} {}",
#if defined(__clang__)
                                 "clang", __clang_version__
#else
                                 "GCC", __VERSION__
#endif
                                 ));
  line("system", std::string("glibc ") + ::gnu_get_libc_version());
  std::string kernels;
  for (const auto* k : kernels::all()) {
    if (!kernels.empty()) kernels += ", ";
    kernels += std::string(k->name) + (!k->runs_here()         ? " (not on this processor)"
                                       : k == &kernels::best() ? " (in use)"
                                                               : "");
  }
  line("kernels", kernels);
  // 0 where the C library does not know.
  const auto cache = [](int name) { return static_cast<std::uint64_t>(std::max(0L, ::sysconf(name))) / 1024; };
  line("caches", fmt::format("L1 {} KiB, L2 {} KiB, L3 {} KiB", cache(_SC_LEVEL1_DCACHE_SIZE),
                             cache(_SC_LEVEL2_CACHE_SIZE), cache(_SC_LEVEL3_CACHE_SIZE)));
  PRISM_TRY(const std::size_t workers, workers_from({}));
  line("cores", fmt::format("{}, {} threads in use", host::available_cores(), workers));
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto free_pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_AVPHYS_PAGES)));
  const auto page = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
  line("memory", bytes_text(pages * page) + ", " + bytes_text(free_pages * page) + " free");
  const host::SystemClock clock;
  const auto start = clock.monotonic();
  const Status outcome = self_test();
  line("self test", outcome ? "encrypt, add, multiply, decrypt: right, in " +
                                  seconds_text(std::chrono::duration<double>(clock.monotonic() - start).count())
                            : "FAILED");
  const Status cryptography = crypto::self_test();
  line("keys, TLS", std::string(crypto::library_version()) +
                        (cryptography ? ": known answers of every algorithm are right" : ": FAILED"));
  PRISM_CHECKED(print(out));
  PRISM_CHECKED(cryptography);
  return outcome;
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  CLI::App* const command =
      app.add_subcommand("doctor", "Show what this machine offers, and test that the arithmetic is right here");
  command->footer("Example:\n  prism doctor");
  command->callback([&action] { action = run; });
}

}  // namespace prism::app
