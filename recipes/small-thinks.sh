#!/bin/sh
# A small model that thinks against one ten times larger that does not, at equal test FLOPs; both were taught with the same FLOPs
# (recipes/thinking-scale.sh).
#
#   sh recipes/thinking-scale.sh results/thinking && sh recipes/small-thinks.sh results/longer
#
# TASKS, SMALL, LARGE, BUDGETS, ITEMS; ISOFLOP, ISOFLOP_HOME, THREADS as in thinking.sh.
set -eu
out=${1:?"usage: sh recipes/small-thinks.sh FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${THREADS:=0}" "${BUDGETS:=1..16}" "${ITEMS:=128}" "${SMALL:=32}" "${LARGE:=128}"
: "${TASKS:=parity:2 modular-chain:2 permutations:2}"
mkdir -p "$out"
for task in $TASKS; do
    name=$(echo "$task" | tr -c 'a-z0-9\n' '-')
    models=
    for line in "thought.d$SMALL" "direct.d$SMALL" "direct.d$LARGE"; do
        for s in 1 2 3; do models="$models $name.$line.s$s"; done
    done
    # shellcheck disable=SC2086
    $ISOFLOP think-curve $models --task "$task" --strategies majority --budgets "$BUDGETS" --items "$ITEMS" --no-choice \
        --csv "$out/small.$name.csv" --svg "$out/small.$name.svg" --threads "$THREADS" --home "$ISOFLOP_HOME" > "$out/small.$name.txt"
done
