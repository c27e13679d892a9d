// tests/peers/circuit.h - random circuits that several libraries run, and how their results are written down. It
// includes nothing of Prism, because the programs that ask other libraries use it too.
//
// The file (circuits.txt) holds circuits of this form; '#' starts a comment:
//   circuit bfv log_n=12 t=65537         bfv, bgv or ckks; ckks has no t
//   input 17                             slots drawn from this seed (values() below); every line makes the next
//   register, from 0 multiply 0 1 | add 0 1 | subtract 0 1 | square 0 | negate 0 rotate 0 -3 rows (ckks: all slots)
//   move left by the number swap 0                               rows are swapped; not in ckks add_plain 0 23 |
//   multiply_plain 0 23 with slots drawn from the seed output 5 expect seal DIGEST V0 V1 V2 V3       what a library
//   decrypted: digest() of all slots, and the first four; ckks: 32 slots, no digest end
// In ckks multiply, square and multiply_plain go one level down, and only registers of one level meet.
#pragma once
#include <cmath>
#include <cstdint>
#include <istream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace circuits {

struct Step {
  std::string operation;
  std::size_t a = 0;   ///< register; input: unused
  std::int64_t b = 0;  ///< second register, rotation or seed
};

struct Circuit {
  std::string scheme;
  unsigned log_n = 0;
  std::uint64_t t = 0;
  std::vector<Step> steps;
  std::size_t output = 0;
  std::map<std::string, std::vector<std::string>> expected;  ///< by library: the words of its line
  int line = 0;                                              ///< where it starts, for messages

  std::size_t slots() const { return (std::size_t{1} << log_n) / (scheme == "ckks" ? 2 : 1); }
};

inline std::uint64_t next(std::uint64_t& state) {  // splitmix64
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
/// Integers in [0, t).
inline std::vector<std::uint64_t> values(const Circuit& circuit, std::int64_t seed) {
  std::vector<std::uint64_t> out(circuit.slots());
  auto state = static_cast<std::uint64_t>(seed);
  for (std::uint64_t& x : out) x = next(state) % circuit.t;
  return out;
}
/// Multiples of 2^-20 in [-1, 1): exact in double precision.
inline std::vector<double> reals(const Circuit& circuit, std::int64_t seed) {
  std::vector<double> out(circuit.slots());
  auto state = static_cast<std::uint64_t>(seed);
  for (double& x : out) x = static_cast<double>(next(state) >> 43) * 0x1p-20 - 1;
  return out;
}
/// FNV-1a over the values as little-endian 64-bit words, in hexadecimal.
inline std::string digest(const std::vector<std::uint64_t>& slots) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const std::uint64_t x : slots)
    for (unsigned byte = 0; byte < 8; ++byte) hash = (hash ^ ((x >> (8 * byte)) & 0xff)) * 0x100000001b3ULL;
  std::ostringstream out;
  out << std::hex << hash;
  return out.str();
}
/// Which slots of a ckks result are written down: 32, all over.
inline std::size_t sample(const Circuit& circuit, std::size_t i) { return i * (circuit.slots() - 1) / 31; }

inline std::vector<Circuit> read(std::istream& in) {
  std::vector<Circuit> out;
  bool open = false;
  int line_number = 0;
  const auto bad = [&](const std::string& what) {
    throw std::runtime_error("line " + std::to_string(line_number) + ": " + what);
  };
  for (std::string line; std::getline(in, line);) {
    ++line_number;
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    if (!(words >> word)) continue;
    if (word == "circuit") {
      Circuit& circuit = out.emplace_back();
      circuit.line = line_number;
      words >> circuit.scheme;
      for (std::string pair; words >> pair;) {
        const auto equals = pair.find('=');
        if (equals == std::string::npos) bad("'" + pair + "' is not KEY=VALUE");
        const std::uint64_t number = std::stoull(pair.substr(equals + 1));
        if (pair.substr(0, equals) == "log_n") {
          circuit.log_n = static_cast<unsigned>(number);
        } else {
          circuit.t = number;
        }
      }
      open = true;
      continue;
    }
    if (!open) bad("'" + word + "' outside a circuit");
    Circuit& circuit = out.back();
    if (word == "end") {
      open = false;
    } else if (word == "output") {
      words >> circuit.output;
    } else if (word == "expect") {
      words >> word;
      for (std::string value; words >> value;) circuit.expected[word].push_back(value);
    } else {
      Step step{word, 0, 0};
      if (word == "input") {
        words >> step.b;
      } else {
        words >> step.a >> step.b;
        if (step.a >= circuit.steps.size()) bad("a register that is not there yet");
      }
      circuit.steps.push_back(step);
    }
  }
  if (open) bad("no end");
  return out;
}

/// Runs a circuit on a machine: input(seed), add(a, b), subtract(a, b), multiply(a, b), square(a), negate(a), rotate(a,
/// steps), swap(a), add_plain(a, seed), multiply_plain(a, seed), each on Machine::Value. The result is the output
/// register.
template <class Machine>
typename Machine::Value run(const Circuit& circuit, Machine& machine) {
  std::vector<typename Machine::Value> at;
  for (const Step& s : circuit.steps) {
    const auto b = static_cast<std::size_t>(s.b);
    if (s.operation == "input") {
      at.push_back(machine.input(s.b));
    } else if (s.operation == "add") {
      at.push_back(machine.add(at[s.a], at.at(b)));
    } else if (s.operation == "subtract") {
      at.push_back(machine.subtract(at[s.a], at.at(b)));
    } else if (s.operation == "multiply") {
      at.push_back(machine.multiply(at[s.a], at.at(b)));
    } else if (s.operation == "square") {
      at.push_back(machine.square(at[s.a]));
    } else if (s.operation == "negate") {
      at.push_back(machine.negate(at[s.a]));
    } else if (s.operation == "rotate") {
      at.push_back(machine.rotate(at[s.a], static_cast<int>(s.b)));
    } else if (s.operation == "swap") {
      at.push_back(machine.swap(at[s.a]));
    } else if (s.operation == "add_plain") {
      at.push_back(machine.add_plain(at[s.a], s.b));
    } else if (s.operation == "multiply_plain") {
      at.push_back(machine.multiply_plain(at[s.a], s.b));
    } else {
      throw std::runtime_error("no operation '" + s.operation + "'");
    }
  }
  return std::move(at.at(circuit.output));
}

/// The rotations a circuit asks keys for.
inline std::vector<int> rotations(const Circuit& circuit) {
  std::map<int, bool> seen;
  for (const Step& s : circuit.steps)
    if (s.operation == "rotate") seen[static_cast<int>(s.b)] = true;
  std::vector<int> out;
  for (const auto& [steps, yes] : seen) out.push_back(steps);
  return out;
}

/// The rest of a peer's program: answers "expect" lines for the circuits on standard input, in order.
template <class Result>
int answer(const char* library, std::istream& in, std::ostream& out, const Result& result) {
  out.precision(17);
  for (const Circuit& circuit : read(in)) {
    out << "expect " << library;
    if (circuit.scheme == "ckks") {
      const std::vector<double> slots = result.reals(circuit);
      for (std::size_t i = 0; i < 32; ++i) out << ' ' << slots[sample(circuit, i)];
    } else {
      const std::vector<std::uint64_t> slots = result.integers(circuit);
      out << ' ' << digest(slots);
      for (std::size_t i = 0; i < 4; ++i) out << ' ' << slots[i];
    }
    out << std::endl;
  }
  return 0;
}

}  // namespace circuits
