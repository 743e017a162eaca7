#!/bin/sh
# Who thinks about what: several levels of one family, half of the demonstrations think first, then reinforcement where every token
# has a price. Does the model answer easy questions at once and think about hard ones? Three seeds.
#
#   sh recipes/thinking-length.sh addition 1..3 results/thinking
#
# FLOPS, STEPS, MOST, CONTEXT, PRICE, RATE; ISOFLOP, ISOFLOP_HOME, THREADS as in thinking.sh.
set -eu
family=${1:?"usage: sh recipes/thinking-length.sh FAMILY FROM..TO FOLDER"}
levels=${2:?"usage: sh recipes/thinking-length.sh FAMILY FROM..TO FOLDER"}
out=${3:?"usage: sh recipes/thinking-length.sh FAMILY FROM..TO FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${FLOPS:=1.2e12}" "${STEPS:=60}" "${MOST:=64}" "${CONTEXT:=96}"
: "${PRICE:=0.005}" "${RATE:=5e-4}" "${THREADS:=0}"
iso() { verb=$1; shift; $ISOFLOP "$verb" "$@" --home "$ISOFLOP_HOME"; }
mkdir -p "$out"
priced= free=
for s in 1 2 3; do
    iso teach train.decay=0.2 name="$family.len.s$s" tasks="$family:$levels" think=0.5 trace=proof items=100000 context="$CONTEXT" seed=$s \
        flops="$FLOPS" model.d_model=64 model.n_layer=2 model.n_head=4 train.learning_rate=0.004 train.batch_tokens=2304 \
        --threads "$THREADS"
    for price in 0 "$PRICE"; do
        iso rl name="$family.len.price$price.s$s" from="$family.len.s$s" tasks="$family:$levels" seed=$s steps="$STEPS" \
            max_new_tokens="$MOST" eval_every=$((STEPS / 6)) learning_rate="$RATE" token_price="$price" skip_gate=true \
            --threads "$THREADS"
    done
    free="$free $family.len.price0.s$s" priced="$priced $family.len.price$PRICE.s$s"
done > /dev/null
# shellcheck disable=SC2086
iso exam $free $priced --task "$family:$levels" --forms open,think,direct --items 128 --max-new-tokens "$MOST" > "$out/length.$family.txt"
# shellcheck disable=SC2086
iso traces $free $priced --svg "$out/length.$family.svg" > /dev/null
