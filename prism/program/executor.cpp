#include "prism/program/executor.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <span>

#include "prism/exact/encoder.h"
#include "prism/math/modular.h"
#include "prism/program/analysis.h"

namespace prism::program {
namespace {

int operands(Op op) {
  if (op == Op::input) return 0;
  return op == Op::add || op == Op::subtract || op == Op::multiply ? 2 : 1;
}

/// Raises a canonical value's correction factor to its square, so that it can stand beside products.
Status as_product(exact::Ciphertext& c) {
  const std::uint64_t t = c.parameters->plain_modulus(), factor = c.correction;
  const std::int64_t scalar =
      factor > t / 2 ? -static_cast<std::int64_t>(t - factor) : static_cast<std::int64_t>(factor);
  for (auto& part : c.parts) ring::multiply_integer_into(part, scalar);
  c.correction = math::multiply_mod(factor, factor, t);
  return {};
}

/// One worker's evaluation of one block, for the outputs of one pass.
class BlockRun {
 public:
  BlockRun(const Program& program, const exact::Evaluator& evaluator, const rlwe::EvaluationKeys& keys,
           const Inputs& inputs, const std::vector<std::uint32_t>& uses, const std::function<bool()>& stop)
      : program_(program),
        evaluator_(evaluator),
        keys_(keys),
        inputs_(inputs),
        uses_(uses),
        stop_(stop),
        values_(program.nodes.size()),
        left_(uses) {}

  /// sums[i] += value of outputs[first + i] in this block.
  Status run(std::uint64_t block, std::size_t first, std::vector<std::optional<exact::Ciphertext>>& sums) {
    left_ = uses_;
    for (auto& v : values_) v.reset();
    block_ = block;
    // Nodes nobody in this pass needs have no uses; the rest are in order, operands first.
    std::vector<std::size_t> outputs_of_node;
    for (std::size_t n = 0; n < program_.nodes.size(); ++n) {
      if (uses_[n] == 0 || fused(n)) continue;
      if (stop_ && stop_()) return fail(ErrorCode::interrupted, "stopped");
      PRISM_TRY(values_[n], evaluate(n));
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const Node node = program_.outputs[first + i];
      if (fused(node)) {
        PRISM_CHECKED(add_product(node, sums[i]));
        continue;
      }
      if (!sums[i]) {
        sums[i] = values_[node]->clone();
      } else {
        PRISM_CHECKED(evaluator_.add_into(*sums[i], *values_[node]));
      }
    }
    return {};
  }

 private:
  /// A product that only outputs look at goes straight into the sum, without a ciphertext of its own.
  bool fused(std::size_t n) const { return program_.nodes[n].op == Op::multiply && uses_[n] == kOutputOnly; }

  Status add_product(Node node, std::optional<exact::Ciphertext>& sum) {
    const Instruction& i = program_.nodes[node];
    if (!sum) {
      PRISM_TRY(sum, evaluator_.multiply(*values_[i.a], *values_[i.b]));
      return {};
    }
    return evaluator_.tensor_add(*sum, *values_[i.a], *values_[i.b]);
  }

  /// The operand's memory itself when nobody else needs it, else a copy.
  exact::Ciphertext take(Node n) {
    if (--left_[n] == 0) {
      exact::Ciphertext out = std::move(*values_[n]);
      values_[n].reset();
      return out;
    }
    return values_[n]->clone();
  }
  void done_with(Node n) {
    if (--left_[n] == 0) values_[n].reset();
  }

  Result<std::optional<exact::Ciphertext>> evaluate(std::size_t n) {
    const Instruction& i = program_.nodes[n];
    switch (i.op) {
      case Op::input: {
        PRISM_TRY(auto c, inputs_.load(i.cell, block_, rlwe::Level{i.level}));
        return std::optional(std::move(c));
      }
      case Op::add:
      case Op::subtract: {
        // The larger operand is the one that is changed.
        const bool swap = i.op == Op::add && values_[i.a]->parts.size() < values_[i.b]->parts.size();
        const Node into = swap ? i.b : i.a, from = swap ? i.a : i.b;
        if (into == from) {
          exact::Ciphertext c = take(into);
          done_with(from);
          PRISM_CHECKED(evaluator_.multiply_scalar_into(c, i.op == Op::add ? 2 : 0));
          return std::optional(std::move(c));
        }
        exact::Ciphertext c = take(into);
        PRISM_CHECKED(i.op == Op::add ? evaluator_.add_into(c, *values_[from])
                                      : evaluator_.subtract_into(c, *values_[from]));
        done_with(from);
        return std::optional(std::move(c));
      }
      case Op::multiply_scalar: {
        exact::Ciphertext c = take(i.a);
        if (i.scalar == -1)
          evaluator_.negate_into(c);
        else
          PRISM_CHECKED(evaluator_.multiply_scalar_into(c, i.scalar));
        return std::optional(std::move(c));
      }
      case Op::add_rows: {
        exact::Ciphertext c = take(i.a);
        const std::uint64_t rows = inputs_.rows_in_block(block_);
        if (rows == evaluator_.parameters().slots()) {
          PRISM_CHECKED(evaluator_.add_scalar_into(c, i.scalar));
        } else {
          const std::vector<std::int64_t> mask(rows, i.scalar);
          PRISM_TRY(const auto plain, exact::Encoder(evaluator_.parameters_ptr()).encode(mask));
          PRISM_CHECKED(evaluator_.add_plain_into(c, plain));
        }
        return std::optional(std::move(c));
      }
      case Op::multiply: {
        PRISM_TRY(auto c, evaluator_.multiply(*values_[i.a], *values_[i.b]));
        done_with(i.a);
        done_with(i.b);
        return std::optional(std::move(c));
      }
      case Op::as_product: {
        exact::Ciphertext c = take(i.a);
        PRISM_CHECKED(as_product(c));
        return std::optional(std::move(c));
      }
      case Op::relinearise: {
        PRISM_TRY(auto c, evaluator_.relinearise(*values_[i.a], keys_));
        done_with(i.a);
        return std::optional(std::move(c));
      }
      case Op::drop: {
        PRISM_TRY(auto c, evaluator_.drop_to(*values_[i.a], rlwe::Level{i.level}));
        done_with(i.a);
        return std::optional(std::move(c));
      }
    }
    check(false, "unknown Op");
    return std::optional<exact::Ciphertext>();
  }

 public:
  /// A use count no node reaches: "only outputs use it".
  static constexpr std::uint32_t kOutputOnly = ~std::uint32_t{0};

 private:
  const Program& program_;
  const exact::Evaluator& evaluator_;
  const rlwe::EvaluationKeys& keys_;
  const Inputs& inputs_;
  const std::vector<std::uint32_t>& uses_;
  const std::function<bool()>& stop_;
  std::vector<std::optional<exact::Ciphertext>> values_;
  std::vector<std::uint32_t> left_;
  std::uint64_t block_ = 0;
};

/// How often each node is read when only outputs [first, last) are wanted; operands of fused products live until the
/// end.
std::vector<std::uint32_t> uses_for(const Program& program, std::size_t first, std::size_t last) {
  const std::size_t n = program.nodes.size();
  std::vector<std::uint32_t> uses(n, 0);
  std::vector<bool> is_output(n, false);
  for (std::size_t o = first; o < last; ++o) is_output[program.outputs[o]] = true;
  std::vector<bool> needed = is_output;
  for (std::size_t i = n; i-- > 0;) {
    if (!needed[i]) continue;
    const Instruction& node = program.nodes[i];
    if (operands(node.op) >= 1) needed[node.a] = true;
    if (operands(node.op) == 2) needed[node.b] = true;
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!needed[i]) continue;
    const Instruction& node = program.nodes[i];
    if (operands(node.op) >= 1) ++uses[node.a];
    if (operands(node.op) == 2) ++uses[node.b];
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!is_output[i]) continue;
    if (uses[i] == 0 && program.nodes[i].op == Op::multiply) {
      uses[i] = BlockRun::kOutputOnly;
      continue;
    }
    ++uses[i];  // never counted down: it stays until the block's sums are taken
  }
  // A fused product reads its operands when sums are taken: their count, already raised above, is never lowered by it.
  return uses;
}

std::uint64_t sum_bytes(const Program& program, const exact::Parameters& parameters, const std::vector<Shape>& shapes,
                        std::size_t output) {
  const Shape& s = shapes[program.outputs[output]];
  return static_cast<std::uint64_t>(s.parts) * parameters.rlwe().primes(rlwe::Level{s.level}).size() *
         parameters.degree() * 8;
}

}  // namespace

Result<Outcome> run(const Program& program, const exact::Evaluator& evaluator, const rlwe::EvaluationKeys& keys,
                    const Inputs& inputs, Parallel& parallel, const RunOptions& options) {
  const exact::Parameters& parameters = evaluator.parameters();
  PRISM_TRY(const Analysis analysis, analyse(program, parameters, inputs.blocks()));
  Outcome outcome;
  const std::size_t outputs = program.outputs.size();
  const std::uint64_t blocks = inputs.blocks();
  const std::size_t workers = static_cast<std::size_t>(std::min<std::uint64_t>(parallel.workers(), blocks));
  std::uint64_t done = 0;
  for (std::size_t first = 0; first < outputs;) {
    // As many outputs as the memory allows; packed ones in whole groups, so that every group is packed in one pass.
    std::size_t last = first;
    std::uint64_t bytes = 0;
    while (last < outputs) {
      const std::size_t step = program.delivery == Delivery::packed ? std::min(kPackedGroup, outputs - last) : 1;
      std::uint64_t more = 0;
      for (std::size_t o = last; o < last + step; ++o)
        more += sum_bytes(program, parameters, analysis.shapes, o) * workers;
      if (last > first && bytes + more > options.most_sum_bytes) break;
      bytes += more;
      last += step;
    }
    const std::vector<std::uint32_t> uses = uses_for(program, first, last);
    using Sums = std::vector<std::optional<exact::Ciphertext>>;
    std::vector<Sums> sums(workers);
    for (Sums& s : sums) s.resize(last - first);
    std::vector<Status> outcomes(workers);
    std::atomic<std::uint64_t> next{0}, finished{0};
    std::atomic<bool> stop{false};
    parallel.for_each(workers, [&](std::size_t piece, std::size_t worker) {
      BlockRun block_run(program, evaluator, keys, inputs, uses, options.stop);
      for (std::uint64_t block = next++; block < blocks && !stop; block = next++) {
        if (auto status = block_run.run(block, first, sums[piece]); !status) {
          outcomes[piece] = std::move(status);
          stop = true;
          return;
        }
        const std::uint64_t count = done + ++finished;
        // Only worker 0 reports, so that whoever listens need not be thread-safe.
        if (worker == 0 && options.progress && !options.progress(count, blocks)) {
          outcomes[piece] = Status(fail(ErrorCode::interrupted, "stopped"));
          stop = true;
          return;
        }
      }
    });
    for (Status& status : outcomes)
      if (!status) return std::move(status).error();
    // Residues add exactly, so the order in which workers' sums meet does not show.
    for (std::size_t w = 1; w < workers; ++w)
      for (std::size_t i = 0; i < sums[w].size(); ++i) {
        if (!sums[w][i]) continue;
        if (!sums[0][i])
          sums[0][i] = std::move(sums[w][i]);
        else
          PRISM_CHECKED(evaluator.add_into(*sums[0][i], *sums[w][i]));
        sums[w][i].reset();
      }
    std::vector<Status> finals(last - first);
    std::vector<exact::LweSample> samples(program.delivery == Delivery::samples ? last - first : 0);
    parallel.for_each(last - first, [&](std::size_t i, std::size_t) {
      finals[i] = [&]() -> Status {
        exact::Ciphertext& c = *sums[0][i];
        if (c.parts.size() == 3) {
          PRISM_TRY(c, evaluator.relinearise(c, keys));
        }
        if (program.delivery == Delivery::packed) {
          if (c.level.value > kPackLevel) {
            PRISM_TRY(c, evaluator.drop_to(c, rlwe::Level{kPackLevel}));
          }
          if (c.correction == parameters.correction(rlwe::Level{kPackLevel})) PRISM_CHECKED(as_product(c));
          return {};
        }
        if (c.level.value > 0) {
          PRISM_TRY(c, evaluator.drop_to(c, rlwe::Level{0}));
        }
        PRISM_TRY(samples[i], evaluator.extract_constant(c));
        sums[0][i].reset();
        return {};
      }();
    });
    for (Status& status : finals)
      if (!status) return std::move(status).error();
    for (auto& sample : samples) outcome.samples.push_back(std::move(sample));
    if (program.delivery == Delivery::packed) {
      for (std::size_t group = 0; group < last - first; group += kPackedGroup) {
        std::vector<exact::Ciphertext> members;
        for (std::size_t i = group; i < std::min(group + kPackedGroup, last - first); ++i) {
          members.push_back(std::move(*sums[0][i]));
          sums[0][i].reset();
        }
        PRISM_TRY(const auto packed, evaluator.pack(members, keys));
        PRISM_TRY(auto dropped, evaluator.drop_to(packed, rlwe::Level{0}));
        outcome.packed.push_back(std::move(dropped));
      }
    }
    first = last;
  }
  return outcome;
}

}  // namespace prism::program
