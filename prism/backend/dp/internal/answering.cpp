#include "prism/backend/dp/internal/answering.h"

#include <algorithm>
#include <map>

namespace prism::backend::dp::internal {
namespace {

using prism::dp::DrawStream;
using prism::dp::NoiseSeed;

/// One question's way from exact numbers to an answer. Every draw's stream is fixed by the seed, the draw's number and
/// the group's key, before anything is known about the data.
class Answering {
 public:
  Answering(const Prepared::State& query, const NoiseSeed& seed) : query_(query), plan_(query.releases), seed_(seed) {}

  std::vector<NoisyGroup> released(const std::vector<GroupNumbers>& exact) const {
    return query_.groups || query_.plan.group_by.empty() ? known(exact) : chosen(exact);
  }

  Result<Answer> answer(const std::vector<GroupNumbers>& exact) const {
    std::vector<NoisyGroup> groups = released(exact);
    Answer out;
    if (groups.size() > query_.grant.most_groups) {
      groups.resize(query_.grant.most_groups);
      out.notes.push_back(
          {{}, "only the first " + std::to_string(groups.size()) + " groups, in the order of their keys"});
    }
    std::vector<sql::GroupEstimates> estimates;
    for (const NoisyGroup& group : groups) estimates.push_back(estimates_of(group));
    PRISM_TRY(sql::Estimated finished, sql::finish_estimates(plan_.finishing, estimates));
    for (std::size_t row = 0; row < finished.table.rows.size(); ++row) {
      std::vector<std::optional<CellInterval>> intervals;
      for (std::size_t column = 0; column < plan_.finishing.outputs.size(); ++column)
        intervals.push_back(
            query_.bars->of(column, groups[finished.group_of_row[row]], finished.table.rows[row][column]));
      out.intervals.push_back(std::move(intervals));
    }
    out.table = std::move(finished.table);
    out.releases = releases_of(plan_);
    out.contribution = plan_.contribution;
    out.epsilon = plan_.epsilon;
    out.delta = plan_.delta;
    out.public_groups = query_.plan.group_by.empty() || query_.groups;
    if (out.public_groups) out.suppressed_groups = 0;  // every one of them was finished; HAVING and LIMIT are asked for
    out.notes.insert(out.notes.begin(), query_.notes.begin(), query_.notes.end());
    return out;
  }

 private:
  using Found = std::map<Bytes, const GroupNumbers*>;

  static Found by_key(const std::vector<GroupNumbers>& exact) {
    Found out;
    for (const GroupNumbers& group : exact) out.emplace(key_bytes(group.keys), &group);
    return out;
  }

  /// Public groups, or the one there is without GROUP BY: those without rows too.
  std::vector<NoisyGroup> known(const std::vector<GroupNumbers>& exact) const {
    const Found found = by_key(exact);
    std::vector<NoisyGroup> out;
    const auto add = [&](const Keys& keys) {
      const Bytes key = key_bytes(keys);
      const auto at = found.find(key);
      out.push_back(noisy(keys, key, at == found.end() ? nullptr : at->second));
    };
    if (query_.groups) {
      for (const Keys& keys : *query_.groups) add(keys);
    } else {
      add({});
    }
    return out;
  }

  /// Private groups: each decides by its own stream whether it is shown.
  std::vector<NoisyGroup> chosen(const std::vector<GroupNumbers>& exact) const {
    std::vector<NoisyGroup> out;
    for (const auto& [key, group] : by_key(exact)) {
      if (plan_.selection) {
        DrawStream stream = seed_.stream(0, key);
        const Int128 units = std::max<Int128>(group->numbers[*query_.raw.units][0], 0);
        if (plan_.selection->keep(static_cast<std::uint64_t>(units), stream))
          out.push_back(noisy(group->keys, key, group));
        continue;
      }
      NoisyGroup one = noisy(group->keys, key, group);
      if (plan_.threshold->selection.keep(to_int128(one.numbers[plan_.threshold->number])))
        out.push_back(std::move(one));
    }
    return out;
  }

  NoisyGroup noisy(const Keys& keys, const Bytes& key, const GroupNumbers* exact) const {
    NoisyGroup out{keys, exact_numbers(plan_, query_.raw, exact), {}};
    std::vector<std::vector<prism::dp::QuantileEstimate>> quantiles(plan_.releases.size());
    for (std::size_t i = 0; i < plan_.releases.size(); ++i) {
      const PlannedRelease& r = plan_.releases[i];
      DrawStream stream = seed_.stream(i + 1, key);
      if (r.choice) {
        std::vector<prism::dp::LeafCount> leaves;
        if (exact != nullptr) {
          for (const LeafCount& leaf : exact->leaves[query_.raw.parts[i].histogram])
            leaves.push_back({leaf.leaf, leaf.count});
        }
        quantiles[i] = r.choice->estimate(leaves, stream);
        continue;
      }
      std::vector<Int128> draws(r.numbers);
      r.noise->draw(stream, draws);
      for (std::size_t k = 0; k < r.numbers; ++k) out.numbers[r.first + k] += to_mpz(draws[k]);
    }
    for (const Source& source : plan_.sources) {
      std::optional<QuantileEstimate> estimate;
      if (source.quantile) {
        const auto& found = quantiles[source.quantile->release][source.quantile->fraction];
        estimate = QuantileEstimate{found.value, found.low, found.high};
      }
      out.quantiles.push_back(estimate);
    }
    return out;
  }

  /// Post-processing: numbers that cannot be below zero are held there, so that averages stay within their bounds and
  /// variances are possible ones.
  sql::GroupEstimates estimates_of(const NoisyGroup& group) const {
    std::vector<mpz_class> numbers = group.numbers;
    for (const PlannedRelease& r : plan_.releases) {
      if (r.kind == PlannedRelease::Kind::sum) continue;
      for (std::size_t k = r.first; k < r.first + r.numbers; ++k) {
        if (numbers[k] < 0) numbers[k] = 0;
      }
    }
    sql::GroupEstimates out{group.keys, {}};
    for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
      const Source& source = plan_.sources[i];
      if (source.form) {
        out.primitives.push_back(to_ratio(source.form->of(numbers)));
      } else if (group.quantiles[i]) {
        out.primitives.push_back({group.quantiles[i]->value, 1});
      } else {
        out.primitives.push_back({});
      }
    }
    return out;
  }

  const Prepared::State& query_;
  const ReleasePlan& plan_;
  const NoiseSeed& seed_;
};

}  // namespace

Result<Answer> answer_from(const Prepared::State& query, const NoiseSeed& seed,
                           const std::vector<GroupNumbers>& exact) {
  return Answering(query, seed).answer(exact);
}

std::vector<NoisyGroup> released(const Prepared::State& query, const NoiseSeed& seed,
                                 const std::vector<GroupNumbers>& exact) {
  return Answering(query, seed).released(exact);
}

}  // namespace prism::backend::dp::internal
