#!/bin/sh
# Each ailment that the doctor of reinforcement names, on a run provoked to have it: what is said, and what to change.
#
#   sh recipes/ailments.sh results/thinking/ailments.txt       two minutes on two cores
#
# ISOFLOP, ISOFLOP_HOME, THREADS as in thinking.sh.
set -u
out=${1:?"usage: sh recipes/ailments.sh FILE"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${THREADS:=0}"
iso() { verb=$1; shift; $ISOFLOP "$verb" "$@" --threads "$THREADS" --home "$ISOFLOP_HOME"; }
model="model.d_model=64 model.n_layer=2 model.n_head=4 train.learning_rate=0.004 train.batch_tokens=2048"
# shellcheck disable=SC2086
{
    iso teach train.decay=0.2 name=ill tasks=parity:2 think=0.3 items=40000 passes=2 context=64 $model
    iso teach train.decay=0.2 name=ill-little tasks=parity:2 think=0.3 items=2000 context=64 $model
    iso teach train.decay=0.2 name=ill-few tasks=modular-root:1 think=0.5 items=10000 context=128 $model
} > /dev/null
provoke() {
    name=$1; shift
    echo "== $name: isoflop rl $*"
    iso rl name="$name" eval_items=64 "$@" > /dev/null 2> "$out.err"
    echo "exit code $?"
    tr '\r' '\n' < "$out.err" | grep -E '^isoflop:|^error:|^step |not ready' | cut -c1-400
    rm -f "$out.err"
}
{
    provoke ill-not-ready from=ill-little tasks=parity:2 max_new_tokens=24
    provoke ill-no-variance from=ill tasks=countdown:3 steps=8 max_new_tokens=24 redraws=0 skip_gate=true
    provoke ill-truncation from=ill tasks=parity:2 form=think steps=8 max_new_tokens=10 skip_gate=true
    provoke ill-length from=ill tasks=parity:2 steps=40 max_new_tokens=24 token_price=0.06 skip_gate=true
    provoke ill-entropy from=ill tasks=parity:2 form=direct steps=40 max_new_tokens=24 learning_rate=0.02 skip_gate=true
    # A family of 72 items: those of training are learnt by heart.
    provoke ill-hacking from=ill-few tasks=modular-root:1 form=direct steps=120 max_new_tokens=8 eval_every=10 skip_gate=true
} > "$out"
