#!/usr/bin/env bash
# run.sh [quick]: puts every scenario to ProVerif and compares its answers (t true, f false) with what is written here.
# Status 77 where ProVerif is not installed. All: some ten minutes; quick: one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
proverif=${PROVERIF:-proverif}
if ! command -v "$proverif" >/dev/null; then
  echo "skipped: ProVerif is not installed (set PROVERIF to its path); the recorded run is in README.md"
  exit 77
fi

wrong=0
scenario() {  # name, answers, queries, libraries
  local name=$1 wanted=$2 queries=$3 libraries=() started=$SECONDS answers
  shift 3
  for library; do libraries+=(-lib "$library"); done
  answers=$({ "$proverif" -lib primitives "${libraries[@]}" "$queries.pv" || true; } |
    sed -nE 's/^RESULT .* is true\.$/t/p; s/^RESULT .* is false\.$/f/p; s/^RESULT .* cannot be proved\.$/?/p' | tr -d '\n')
  printf '%-44s %-10s %5ds' "$name" "${answers:-nothing}" $((SECONDS - started))
  if [ "$answers" = "$wanted" ]; then echo; else echo "  WRONG: $wanted was wanted"; wrong=1; fi
}

#        what                                          wanted    queries           libraries
scenario "honest sides get to the end"                 ff        reached           honest handshake
scenario "the server is sure of the client"            t         agreement_client  honest handshake
scenario "no identity misbinding"                      t         misbinding        honest handshake
scenario "no downgrade"                                t         downgrade         honest handshake
scenario "flaw: signature without transcript"          f         downgrade         flaw_partial_signature handshake
scenario "rekey, traffic keys stolen"                  ftt       rekey_active      rekey
scenario "rekey, all stolen, thief listens"            ftt       rekey_passive     rekey
scenario "rekey, all stolen, thief acts"               fff       rekey_stolen      rekey
if [ "${1:-}" != quick ]; then
  scenario "secrecy, forward secrecy, KCI"             tttttttt  secrecy           honest handshake
  scenario "the client is sure of the server"          t         agreement_server  honest handshake
  scenario "the client is sure that it is accepted"    t         agreement_end     honest handshake
  scenario "secrecy, X25519 broken"                    tttttttt  secrecy           break_x25519 honest handshake
  scenario "secrecy, ML-KEM broken"                    tttttttt  secrecy           break_mlkem honest handshake
  scenario "acceptance, X25519 broken"                 t         agreement_end     break_x25519 honest handshake
  scenario "acceptance, ML-KEM broken"                 t         agreement_end     break_mlkem honest handshake
  scenario "flaw: both broken"                         ffffffff  secrecy           break_x25519 break_mlkem honest handshake
  scenario "flaw: half a hybrid, the other half broken" ffffffff secrecy           break_mlkem flaw_half_combiner handshake
  scenario "flaw: the signature leaves out the KEM"    f         agreement_server  flaw_signed_random handshake
  scenario "flaw: a key that was sent along"           f         agreement_server  flaw_no_pin handshake
  scenario "flaw: one context for all signatures"      f         agreement_server  flaw_one_context handshake
  scenario "flaw: the client signs a constant"         f         agreement_client  flaw_unbound_client handshake
fi
exit $wrong
