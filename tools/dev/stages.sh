# shellcheck shell=bash
# Building, and the stages of ./dev test. Every stage adds to PASSED, FAILED and SKIPPED and says how long it took.

JOBS=${PRISM_JOBS:-$(nproc)}
PASSED=0 FAILED=0 SKIPPED=0
LOGS=build/logs

# build PRESET [TARGETS...]: configures once (ninja looks after later changes itself) and builds the targets.
build() {
  local preset=$1 options=() started=$SECONDS
  shift
  mkdir -p "$LOGS"
  need_openssl
  need_duckdb
  if [[ ! -f build/$preset/build.ninja ]]; then
    say "configuring $preset"
    case $preset in
      asan-ubsan | clang)
        options=("-DCMAKE_C_COMPILER=clang-$(clang_version)" "-DCMAKE_CXX_COMPILER=clang++-$(clang_version)")
        ;;
    esac
    cmake --preset "$preset" "${options[@]}" >"$LOGS/configure-$preset.log" 2>&1 ||
      { cat "$LOGS/configure-$preset.log" && rm -f "build/$preset/build.ninja" && return 1; }
  fi
  (($# > 0)) || return 0
  say "building $preset"
  ninja -C "build/$preset" -j "$JOBS" --quiet "$@" || return 1
  say "built $preset in $((SECONDS - started)) s"
}

# add PASSED FAILED SKIPPED SECONDS NAME
add() {
  PASSED=$((PASSED + $1)) FAILED=$((FAILED + $2)) SKIPPED=$((SKIPPED + $3))
  say "$5: $1 passed, $2 failed, $3 skipped ($4 s)"
}

close_stages() {
  echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
  ((FAILED == 0))
}

# run_ctest NAME BUILD_FOLDER CTEST_ARGS...
run_ctest() {
  local name=$1 folder=$2 started=$SECONDS junit log counts
  shift 2
  junit=$PWD/$LOGS/${name//[^a-z0-9]/-}.xml
  log=$LOGS/${name//[^a-z0-9]/-}.log
  mkdir -p "$LOGS"
  rm -f "$junit"
  say "running $name"
  ctest --test-dir "$folder" -j "$JOBS" --no-tests=error --output-on-failure --output-junit "$junit" "$@" >"$log" 2>&1 || true
  # count_tests.py shows failures and the reason of every skip; no report at all is one failure.
  counts=$(python3 tools/dev/count_tests.py "$junit" "$log")
  # shellcheck disable=SC2086
  add $counts $((SECONDS - started)) "$name"
}

stage_release() {
  if ! build release all; then
    add 0 1 0 0 "release build"
    return 1
  fi
  run_ctest "release tests" build/release
}

# Kernel sets other than the one chosen by itself must give the same results, in the rooms that use them most.
stage_kernel_sets() {
  local set
  for set in portable avx2; do
    PRISM_KERNELS=$set run_ctest "tests on $set kernels" build/release -R '^(ring|rlwe|exact|ckks|circuits|fhe|program)/'
  done
}

# stage_sanitized PRESET ROOMS...: the tests of these rooms, in a build that looks for undefined things or races.
stage_sanitized() {
  local preset=$1 room targets=() pattern=""
  shift
  for room in "$@"; do
    [[ -n $(find "prism/$room" -name '*_test.cpp' 2>/dev/null) ]] || continue
    targets+=("${room//\//_}_test")
    pattern+="${pattern:+|}$room"
  done
  if ! build "$preset" "${targets[@]}"; then
    add 0 1 0 0 "$preset build"
    return 0
  fi
  run_ctest "$preset tests" "build/$preset" -R "^($pattern)/"
}

stage_clang() {
  if ! build clang all; then
    add 0 1 0 0 "clang build"
    return 0
  fi
  run_ctest "clang tests" build/clang
}

# Memory errors in the release build itself, on a selection (ROOM:GTEST_FILTER): valgrind is 30 times slower and knows no
# AVX-512. What the tests secrets/... watch runs under it in every ./dev test where it is installed.
VALGRIND_TESTS=('base:*' 'secret:*' 'wire:*' 'hash:*' 'math:*' 'exact:*Scheme*:*Wire*:*Encoder*' 'program:*' 'custody:*' 'table:*' 'sql:*')
stage_valgrind() {
  local entry room binary started passed=0 failed=0
  started=$SECONDS
  mkdir -p "$LOGS"
  for entry in "${VALGRIND_TESTS[@]}"; do
    room=${entry%%:*}
    binary=build/release/rooms/$room/${room}_test
    say "valgrind $room"
    if PRISM_KERNELS=portable timeout 3600 valgrind --quiet --error-exitcode=9 --leak-check=full \
      --child-silent-after-fork=yes "$binary" --gtest_brief=1 --gtest_filter="${entry#*:}-*DeathTest*:*Random*:*Peak*:*Shared*:*EveryDay*:*ThreeValued*" \
      >"$LOGS/valgrind-$room.log" 2>&1; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      tail -40 "$LOGS/valgrind-$room.log"
    fi
  done
  add "$passed" "$failed" 0 $((SECONDS - started)) valgrind
}

fuzzer_names() { find prism -name '*_fuzz.cpp' -exec basename {} .cpp \; | sort; }
# At least 1, because times are divided by it.
fuzzer_count() {
  local count
  count=$(fuzzer_names | wc -l)
  echo $((count > 0 ? count : 1))
}

# run_fuzzer NAME SECONDS: seeds stand in fuzz/corpus/NAME, what was found to be new in build/asan-ubsan/corpus/NAME.
run_fuzzer() {
  local name=$1 seconds=$2 folders=("build/asan-ubsan/corpus/$1")
  mkdir -p "build/asan-ubsan/corpus/$name" build/asan-ubsan/artifacts "$LOGS"
  [[ -d fuzz/corpus/$name ]] && folders+=("fuzz/corpus/$name")
  if "build/asan-ubsan/fuzzers/$name" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="build/asan-ubsan/artifacts/$name-" "${folders[@]}" >"$LOGS/$name.log" 2>&1; then
    printf '  %-24s %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$LOGS/$name.log")"
  else
    printf '  %-24s FAILED\n' "$name"
    tail -30 "$LOGS/$name.log"
    return 1
  fi
}
export -f run_fuzzer
export LOGS

# stage_fuzz SECONDS_EACH [NAME]
stage_fuzz() {
  local seconds=$1 names started passed=0 failed=0 status
  mapfile -t names < <([[ -n ${2:-} ]] && echo "$2" || fuzzer_names)
  if ! build asan-ubsan canary_fuzz "${names[@]}"; then
    add 0 1 0 0 "fuzz build"
    return 0
  fi
  started=$SECONDS
  mkdir -p build/asan-ubsan/artifacts
  ((seconds > 0)) || seconds=1
  # The canary crashes on one four-byte input. When the fuzzer does not find it, silence of the others means nothing.
  build/asan-ubsan/fuzzers/canary_fuzz -max_total_time=60 -artifact_prefix=build/asan-ubsan/artifacts/canary- \
    >"$LOGS/canary_fuzz.log" 2>&1 || true
  if grep -q heap-buffer-overflow "$LOGS/canary_fuzz.log"; then
    passed=1
  else
    echo "  canary_fuzz              FAILED: the planted bug was not found"
    failed=1
  fi
  say "fuzzing ${#names[@]} targets, $seconds s each"
  # xargs reports 123 when any run failed; the lines say which.
  printf '%s\n' "${names[@]}" | xargs -P "$JOBS" -I{} bash -c 'run_fuzzer "$1" "$2"' _ {} "$seconds" | tee "$LOGS/fuzzing.log" || true
  status=$(grep -c ' FAILED$' "$LOGS/fuzzing.log" || true)
  failed=$((failed + status)) passed=$((passed + ${#names[@]} - status))
  add "$passed" "$failed" 0 $((SECONDS - started)) fuzzing
}

source_files() { find prism apps tests fuzz bench examples \( -name '*.cpp' -o -name '*.h' \) -print0 2>/dev/null; }

check_format() {
  source_files | xargs -0 -P "$JOBS" -n 20 "clang-format-$(clang_version)" --dry-run --Werror
}

stage_format() {
  local started=$SECONDS
  if [[ $(clang_version) != "$OLDEST_CLANG" ]]; then
    echo "  skipped: the code is formatted by clang-format-$OLDEST_CLANG, other versions differ"
    add 0 0 1 0 format
  elif check_format >"$LOGS/format.log" 2>&1; then
    add 1 0 0 $((SECONDS - started)) format
  else
    grep -oE '^[^ :]+\.(h|cpp)' "$LOGS/format.log" | sort -u | sed 's/$/ is not formatted; run .\/dev fmt/'
    add 0 1 0 $((SECONDS - started)) format
  fi
}
