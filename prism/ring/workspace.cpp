#include "prism/ring/workspace.h"

#include "prism/base/result.h"
#include "prism/ring/poly.h"
#include "prism/secret/secret.h"

namespace prism::ring {

Memory Workspace::take(std::size_t words) {
  // Room to give everything back, so that a destructor never allocates.
  if (free_.capacity() < free_.size() + lent_ + 1) free_.reserve(2 * (free_.size() + lent_ + 1));
  ++lent_;
  std::size_t best = free_.size();
  for (std::size_t i = 0; i < free_.size(); ++i) {
    if (best == free_.size()) {
      best = i;
      continue;
    }
    const std::size_t found = free_[i].capacity(), kept = free_[best].capacity();
    const bool better = found >= words ? kept < words || found < kept : kept < words && found > kept;
    if (better) best = i;
  }
  Memory memory;
  if (best != free_.size()) {
    std::swap(free_[best], free_.back());
    memory = std::move(free_.back());
    free_.pop_back();
  }
  if (memory.capacity() < words) {
    // Growing would copy what nobody needs; what is freed here is out of reach of a later wipe().
    memory.resize(memory.capacity());
    secret::wipe(memory.data(), memory.size() * sizeof(std::uint64_t));
    memory = Memory();
  }
  memory.resize(words);
  return memory;
}

void Workspace::give_back(Memory&& memory) noexcept {
  check(lent_ != 0, "Workspace: more given back than was lent");
  --lent_;
  free_.push_back(std::move(memory));
}

template <Domain D>
void Workspace::give_back(Poly<D>&& poly) noexcept {
  give_back(std::move(poly.residues_));
}

void Workspace::wipe() {
  check(lent_ == 0, "Workspace::wipe while something is lent out");
  for (Memory& memory : free_) {
    memory.resize(memory.capacity());
    if (!memory.empty()) secret::wipe(memory.data(), memory.size() * sizeof(std::uint64_t));
  }
}

void Workspace::release() { free_.clear(); }

std::size_t Workspace::memory_bytes() const {
  std::size_t words = 0;
  for (const Memory& memory : free_) words += memory.capacity();
  return words * sizeof(std::uint64_t);
}

template <Domain D>
Borrowed<D>::Borrowed(Workspace& workspace, const Ring& ring, const PrimeSet& primes)
    : workspace_(&workspace), poly_(ring, primes, workspace.take(primes.size() * ring.degree())) {}

template <Domain D>
Borrowed<D>::~Borrowed() {
  workspace_->give_back(std::move(poly_));
}

BorrowedRows::BorrowedRows(Workspace& workspace, std::size_t count, std::size_t n)
    : workspace_(&workspace), n_(n), memory_(workspace.take(count * n)) {}

void BorrowedRows::wipe() { secret::wipe(memory_.data(), memory_.size() * sizeof(std::uint64_t)); }

BorrowedRows::~BorrowedRows() { workspace_->give_back(std::move(memory_)); }

template void Workspace::give_back(Coefficients&&) noexcept;
template void Workspace::give_back(Evaluations&&) noexcept;
template class Borrowed<Domain::coefficients>;
template class Borrowed<Domain::evaluations>;

}  // namespace prism::ring
