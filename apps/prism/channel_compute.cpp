#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/prism/channel_options.h"
#include "apps/prism/channel_request.h"
#include "apps/prism/commands.h"
#include "apps/prism/fhe_keys.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/client/evaluate.h"
#include "prism/crypto/key_file.h"
#include "prism/host/atomic_file.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  ChannelOptions channel;
  RequestOptions request;
  std::string keys, passphrase_file, output, receipt, idempotency_key, format = "table";
  bool dry_run = false;
};

/// The key folder of the encrypted data, and the key holder in it.
struct Holder {
  custody::Keyring keyring;
  custody::AnyKeyHolder keys;
};

Result<Holder> open_holder(const Arguments& a, ByteView data, Random& random) {
  PRISM_TRY(auto keyring, open_key_folder(a.keys, a.passphrase_file));
  PRISM_TRY(const Digest identity, fhe::named_identity(data));
  PRISM_TRY(auto keys, open_key_holder(keyring, identity, random));
  return Holder{std::move(keyring), std::move(keys)};
}

client::Keys keys_of(const Holder& holder) {
  client::ContextCache cache(holder.keyring.directory() + "/sent");
  return std::visit([&](const auto& keys) { return client::Keys(keys, std::move(cache)); }, holder.keys);
}

std::string keys_text(const compute::Plan& plan) {
  if (plan.keys.empty()) return "none";
  return fmt::format("{} of {}", plan.keys.size(), bytes_text(plan.key_bytes));
}

Json plan_json(const compute::Plan& plan) { return Json::parse(plan.to_json()); }

Status print_plan(const Arguments& a, const compute::Plan& plan, std::uint64_t data_bytes) {
  if (a.format == "json") return print(plan_json(plan).dump(2) + "\n");
  std::string text = fmt::format("depth      {} of the {} that these keys allow\nkeys       {}\n", plan.depth_needed,
                                 plan.depth_available, keys_text(plan));
  for (const auto& key : plan.keys)
    text += fmt::format("             {:<28} {}\n", printable(key.name), bytes_text(key.bytes));
  text += fmt::format("data       {}\nanswer     {}\n", bytes_text(data_bytes), bytes_text(plan.answer_bytes));
  for (const auto& output : plan.outputs) {
    text += fmt::format("             {:<28} {} {}", printable(output.name), count_text(output.values),
                        output.values == 1 ? "value" : "values");
    text += output.error > 0 ? fmt::format(", off by {:.2g} at most\n", output.error) : "\n";
  }
  if (plan.modulus != 0) text += fmt::format("modulo     {}; the keys declare no largest value\n", plan.modulus);
  text += fmt::format("computing  about {}\n", seconds_text(plan.cpu_seconds));
  return print(text);
}

Status dry_run(const Arguments& a, client::Connection& service, const client::Keys& keys,
               const client::Question& question) {
  PRISM_TRY(const auto plan, client::plan(service, keys, question));
  std::uint64_t data_bytes = 0;
  for (const auto& [name, bytes] : question.inputs) data_bytes += bytes.size();
  PRISM_CHECKED(print_plan(a, plan, data_bytes));
  say("nothing was made, sent or computed; leave out --dry-run to do it");
  return {};
}

/// Both or none: the receipt first, so that there is never a result that nobody signed for.
Status write_files(const Arguments& a, const client::Evaluated& done) {
  using host::AtomicFile;
  PRISM_TRY(auto receipt, AtomicFile::create(a.receipt, AtomicFile::Access::everybody));
  PRISM_TRY(auto result, AtomicFile::create(a.output, AtomicFile::Access::owner_only));
  PRISM_CHECKED(receipt.append(done.receipt));
  PRISM_CHECKED(result.append(done.result));
  PRISM_CHECKED(receipt.commit());
  return result.commit();
}

Status report(const Arguments& a, const client::Connection& service, const client::Evaluated& done) {
  if (a.format == "json") {
    const auto& claims = done.claims;
    const Json out = {
        {"server", service.server()},
        {"identity", crypto::fingerprint_text(service.meeting().bundle.fingerprint())},
        {"result", {{"file", a.output}, {"bytes", done.result.size()}, {"sha256", to_hex(claims.result)}}},
        {"receipt",
         {{"file", a.receipt},
          {"sequence", claims.sequence},
          {"time", claims.time.count()},
          {"engine", printable(claims.engine)}}},
        {"sent", {{"keys", done.context.sent}, {"data", done.data.sent}}},
        {"plan", plan_json(done.plan)}};
    return print(out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  std::string names;
  for (const auto& output : done.plan.outputs) names += (names.empty() ? "" : ", ") + printable(output.name);
  const auto travelled = [](std::uint64_t bytes) {
    return bytes == 0 ? std::string("were there already") : "sent: " + bytes_text(bytes);
  };
  say("keys " + travelled(done.context.sent) + "; data " + travelled(done.data.sent));
  say("the receipt holds: number " + std::to_string(done.claims.sequence) + " of " + printable(done.claims.server) +
      ", computed by " + printable(done.claims.engine));
  say("wrote " + a.output + " (" + names + ", " + bytes_text(done.result.size()) + ") and " + a.receipt +
      "\nread it with: prism fhe-decrypt " + a.output + (a.keys.empty() ? "" : " --keys " + a.keys));
  return {};
}

Status run(const Arguments& a) {
  if (!a.dry_run && (a.output.empty() || a.receipt.empty()))
    return fail(ErrorCode::invalid_argument, "where to? Give --output and --receipt, or --dry-run");
  PRISM_TRY(const AskedRequest asked, request_from(a.request));
  if (!a.dry_run) {
    PRISM_CHECKED(not_the_same(a.output, a.receipt));
    for (const std::string& path : asked.paths)
      for (const std::string* const output : {&a.output, &a.receipt}) PRISM_CHECKED(not_the_same(path, *output));
  }
  client::Question question{asked.request, {asked.inputs.begin(), asked.inputs.end()}};
  host::SystemRandom random;
  PRISM_TRY(const Holder holder, open_holder(a, question.inputs.begin()->second, random));
  PRISM_TRY(const auto channel, open_channel(a.channel));
  client::Connection& service = *channel->connection;
  say(describe_channel(service));
  const client::Keys keys = keys_of(holder);
  if (a.dry_run) return dry_run(a, service, keys, question);

  client::EvaluateOptions options;
  options.idempotency_key = a.idempotency_key;
  options.planned = [&](const client::Estimate& estimate) -> Result<bool> {
    say(fmt::format("plan: depth {} of {}; keys: {}{}; data: {}; answer: {}", estimate.plan.depth_needed,
                    estimate.plan.depth_available, keys_text(estimate.plan),
                    estimate.context_is_kept ? ", made before" : "", bytes_text(estimate.data_bytes),
                    bytes_text(estimate.plan.answer_bytes)));
    return true;
  };
  std::unique_ptr<Progress> bar;
  std::string shown;
  options.progress = [&](std::string_view what, std::uint64_t done, std::uint64_t all) {
    if (shown != what) {
      bar.reset();
      shown = what;
      bar = std::make_unique<Progress>("sending " + printable(what));
    }
    (*bar)(done, all);
  };
  options.news = [&](const client::JobNews& news) {
    if (shown != "computing") {
      bar.reset();
      shown = "computing";
      bar = std::make_unique<Progress>("computing");
    }
    (*bar)(static_cast<std::uint64_t>(news.progress * 1000), 1000);
  };
  auto done = client::evaluate(service, keys, question, options);
  bar.reset();
  if (!done) return std::move(done).error();
  PRISM_CHECKED(write_files(a, *done));
  return report(a, service, *done);
}

}  // namespace

void add_channel_compute(CLI::App& channel, Action& action) {
  CLI::App* const command = channel.add_subcommand(
      "compute", "Have a server compute on encrypted data, and check its signed receipt before anything is written");
  command->footer(
      "Example:\n"
      "  prism channel compute --server https://host:8000 --identity client.key --pin FINGERPRINT --keys alice --data "
      "data.enc --operation statistics --compute mean,variance,sum --output result.enc --receipt receipt.cbor\n"
      "\nThe server sees ciphertexts, the computation and public numbers in it; never a secret key or a value.\n"
      "Exit status: 4 the server is not the pinned one or lets this client not in, 5 it cannot be reached,\n"
      "6 its answer does not hold, 7 a limit of this client is used up.");
  const auto a = std::make_shared<Arguments>();
  add_channel_options(*command, a->channel);
  add_request_options(*command, a->request);
  command->add_option("--keys", a->keys,
                      "The key folder that the data was encrypted with: a directory, or a name below the default "
                      "folder (default: that folder)");
  command->add_option("--passphrase-file", a->passphrase_file,
                      "A file that holds the key folder's passphrase; without it a prompt asks when one is needed");
  command->add_option("--output,--out", a->output, "The encrypted result's file");
  command->add_option("--receipt", a->receipt, "The signed receipt's file");
  command->add_flag("--dry-run", a->dry_run, "Print what it would take (depth, keys, bytes) and stop");
  command
      ->add_option("--idempotency-key", a->idempotency_key,
                   "A word of your own: the same command with it, again after a break, gets the same job's answer")
      ->check(CLI::Validator(
          [](std::string& text) {
            const bool fine = !text.empty() && text.size() <= 64 &&
                              text.find_first_not_of(
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == text.npos;
            return fine ? std::string() : std::string("takes 1 to 64 letters, digits and _-.");
          },
          "WORD"));
  command->add_option("-o,--format", a->format, "How to print what was done, or the plan: table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
