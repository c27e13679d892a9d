// prism/circuits/linear_map.h - public matrices times encrypted vectors, encoded once and applied often: baby steps and
// giant steps with double hoisting (Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2020/1203, section 4).
//
// Diagonal k = G + b costs nothing but a product once the operand's rotation by b (baby step) and the sum's by G (giant
// step) are there:  out = sum over G of rotate_G( sum over b of d'_(G+b) * rotate_b(in) ),  d' = d moved right by G.
// All baby steps share one decomposition and stay multiplied by P, where plaintexts multiply them; each giant step
// divides one part, raises it again and adds to one sum; that sum is divided once, in CKKS together with the rescale.
#pragma once
#include <deque>

#include "prism/circuits/cost.h"
#include "prism/circuits/key_list.h"
#include "prism/circuits/slot_map.h"
#include "prism/circuits/step_plan.h"

namespace prism::circuits {

template <class Evaluator>
class LinearMap {
 public:
  struct Options {
    /// See StepPlan.
    std::size_t longest_baby = 0;
    /// The caller promises that the input is zero wherever the map's columns do not reach. A map within the first p
    /// slots of a row twice as long or longer then costs half the diagonals and one rotation more, if that is less
    /// work.
    bool zeros_beyond = false;
  };
  /// Encodes for operands at `level`: primes(level) + special primes rows of N words and as many transforms a diagonal
  /// (a map of period p: 2p words a row). CKKS encodes at the level's canonical scale; level_exhausted at level 0.
  /// invalid_argument for a map without diagonals, for parameters without special primes, and what the encoder refuses.
  static Result<LinearMap> make(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                                const SlotMap<Evaluator>& map, rlwe::Level level, Options options);
  static Result<LinearMap> make(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                                const SlotMap<Evaluator>& map, rlwe::Level level) {
    return make(evaluator, encoder, map, level, Options{});
  }

  rlwe::Level level() const { return level_; }
  const StepPlan& plan() const { return plan_; }
  KeyList keys_needed() const;
  Cost cost() const;
  /// Of the encoded diagonals.
  std::size_t memory_bytes() const;
  /// The operand must be at level() (mismatch). CKKS: one level down, an operand of canonical scale gives a canonical
  /// one. BGV, BFV: level and correction stay; both rows are mapped alike. not_found names a missing key.
  /// CKKS's bound, with R the map's row norm, K diagonals of encoding error E, G giant steps, s the error of a switch:
  /// R*(error + s) + K*E*(magnitude + error + s) + 2*G*s' + a rounding, s' at the product's scale. BGV, BFV: K times
  /// the product of a rotated operand, and 2G + 1 switches. docs/noise.md derives both.
  Result<CiphertextOf<Evaluator>> apply(const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
                                        const rlwe::EvaluationKeys& keys, Cost* spent = nullptr) const;
  Status apply(CiphertextOf<Evaluator>& out, const Evaluator& evaluator, const CiphertextOf<Evaluator>& a,
               const rlwe::EvaluationKeys& keys, ring::Workspace& workspace, Cost* spent = nullptr) const;

 private:
  using Plaintext = typename SchemeOf<Evaluator>::Plaintext;
  LinearMap(std::shared_ptr<const ParametersOf<Evaluator>> parameters, rlwe::Level level, StepPlan plan,
            math::Bound row_norm, ring::Divider by_special)
      : parameters_(std::move(parameters)),
        level_(level),
        plan_(std::move(plan)),
        row_norm_(row_norm),
        by_special_(std::move(by_special)) {}
  struct Product {
    std::size_t baby;  ///< index into plan().babies()
    Residues weights;  ///< a row per prime of the level and special prime, each value once per run
  };
  Status encode(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder, const SlotMap<Evaluator>& map);
  std::size_t diagonals() const;
  /// n values from `start` on of one row: sum of products.
  void multiply(rlwe::Extended& out, const std::vector<Product>& products, std::deque<rlwe::BorrowedExtended>& babies,
                std::size_t row, std::size_t start, std::size_t n, ring::BorrowedRows& spread_rows) const;

  std::shared_ptr<const ParametersOf<Evaluator>> parameters_;  // shared with every other value of the parameter set
  rlwe::Level level_;
  StepPlan plan_;
  math::Bound row_norm_, encoding_error_;
  ring::Divider by_special_;
  std::size_t run_ = 1;                       ///< equal neighbours in every row of weights
  std::vector<std::vector<Product>> giants_;  ///< per giant step
  int copy_steps_ = 0;                        ///< not 0: the operand and its rotation by this are added first
};

}  // namespace prism::circuits
