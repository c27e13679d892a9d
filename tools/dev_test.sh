#!/usr/bin/env bash
# What can be said of ./dev without building anything: dev_test.sh ROOT
set -uo pipefail
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# expect STATUS TEXT COMMAND...: the command ends with STATUS and prints TEXT (an extended regular expression).
expect() {
  local wanted=$1 text=$2 output status
  shift 2
  output=$("$@" 2>&1 </dev/null)
  status=$?
  if [[ $status != "$wanted" ]] || ! grep -qE "$text" <<<"$output"; then
    printf 'FAILED: %s\n  ended with %s, wanted %s and "%s"; it printed:\n%s\n' "$*" "$status" "$wanted" "$text" "$output"
    failed=1
  fi
}

for script in dev .ci/run tools/dev/packages.sh tools/dev/stages.sh tools/dev_test.sh; do
  expect 0 '' bash -n "$root/$script"
done
expect 0 '' sh -n "$root/tools/dev/openssl.sh"
if command -v shellcheck >/dev/null; then
  expect 0 '' shellcheck -x -e SC1091,SC2030,SC2031 -P "$root" "$root/dev" "$root/tools/dev/packages.sh" "$root/tools/dev/stages.sh"
fi

expect 0 'Usage: ./dev COMMAND' "$root/dev" help
expect 0 'Usage: ./dev COMMAND' "$root/dev"
expect 2 "unknown command 'dance'" "$root/dev" dance
expect 2 "unknown option '--short'" "$root/dev" test --short
expect 2 "unknown preset 'fast'" "$root/dev" build fast

# A machine that lacks everything: dpkg-query knows no package, nobody is root, and apt-get would tell.
mkdir "$work/bin"
for tool in bash env readlink dirname grep sed head sort tr uname nproc cat awk; do
  ln -s "$(command -v "$tool")" "$work/bin/$tool"
done
make_tool() { printf '#!/bin/bash\n%s\n' "$2" >"$work/bin/$1" && chmod +x "$work/bin/$1"; }
make_tool dpkg-query 'exit 1'
make_tool id 'echo 1000'
make_tool apt-get 'echo "apt-get $*" >>"$APT_LOG"'
on() { env PATH="$work/bin" APT_LOG="$work/apt.log" PRISM_OS_RELEASE="$work/$1" "$root/dev" build "${@:2}"; }
printf 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n' >"$work/debian12"
printf 'ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04"\n' >"$work/ubuntu22"
printf 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04"\n' >"$work/ubuntu24"
printf 'ID=fedora\nVERSION_ID=42\nPRETTY_NAME="Fedora 42"\n' >"$work/fedora"

expect 3 'apt-get install g\+\+ cmake .*libssl-dev' on debian12
expect 3 'for long +valgrind' env "PATH=$work/bin" "$root/dev" doctor  # to its last line, with nothing there
expect 3 'apt-get install clang-[0-9]+ clang-format' env "PATH=$work/bin" bash -c "
  cd '$root' && PRISM_OS_RELEASE='$work/debian12' && . tools/dev/packages.sh && need_packages clang"
expect 3 'on Fedora 42 this script does not install them' on fedora
expect 3 'on Ubuntu 22.04 this script does not install them' on ubuntu22
expect 3 'installing them takes root' on ubuntu24
[[ ! -e $work/apt.log ]] || { echo 'FAILED: apt-get ran without root' && failed=1; }

# As root apt is asked, with fresh lists the second time; a refusal is exit status 3 again.
make_tool id 'echo 0'
make_tool apt-get 'echo "apt-get $*" >>"$APT_LOG"; [[ $1 == update ]]'
expect 3 'nobody has tested Prism here' on ubuntu24
grep -q '^apt-get install -y -q --no-install-recommends .* g++ .*libssl-dev .*libboost-dev' "$work/apt.log" &&
  [[ $(grep -c '^apt-get install' "$work/apt.log") == 2 ]] ||
  { echo 'FAILED: apt-get was asked for something else:' && cat "$work/apt.log" && failed=1; }

# Counting: passes, failures and skips of a report; no report is one failure.
count() { python3 -B "$root/tools/dev/count_tests.py" "$@"; }
cat >"$work/report.xml" <<'XML'
<testsuite tests="4"><testcase name="a" status="run"/><testcase name="b" status="fail"><failure/><system-out>broken here</system-out></testcase>
<testcase name="c" status="notrun"><skipped/><system-out>x.cpp:1: Skipped
no data here</system-out></testcase><testcase name="d" status="run"/>
<testcase name="e" status="notrun"><skipped/><system-out>test_e (x.Case) ... skipped 'no disk here'</system-out></testcase></testsuite>
XML
echo 'ctest found nothing' >"$work/log"
expect 0 '^2 1 2$' count "$work/report.xml" "$work/log"
expect 0 'FAILED b' count "$work/report.xml" "$work/log"
expect 0 'skipped e: no disk here' count "$work/report.xml" "$work/log"
expect 0 'skipped c: no data here' count "$work/report.xml" "$work/log"
expect 0 '^0 1 0$' count "$work/none.xml" "$work/log"
expect 0 'ctest found nothing' count "$work/none.xml" "$work/log"

((failed == 0)) && echo "./dev behaves"
exit "$failed"
