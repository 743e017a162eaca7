#!/bin/sh
# The second o1 plot: accuracy against test-time compute for every strategy that a task allows, beside ideal random search; which
# strategy is best where, learnt on one split and checked on another. The models are the first policies of recipes/thinking.sh, three
# seeds; the scorer is taught on replies of the first.
#
#   sh recipes/thinking.sh modular-root:2 results/thinking && sh recipes/thinking-longer.sh modular-root:2 results/longer
#
# BUDGETS, ITEMS, MODELS, SCORER_ITEMS (0: no scorer); ISOFLOP, ISOFLOP_HOME, THREADS as in thinking.sh. What is done is never done twice.
set -eu
task=${1:?"usage: sh recipes/thinking-longer.sh TASK:LEVEL FOLDER"}
out=${2:?"usage: sh recipes/thinking-longer.sh TASK:LEVEL FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${THREADS:=0}" "${BUDGETS:=1..32}" "${ITEMS:=96}" "${SCORER_ITEMS:=1500}"
name=$(echo "$task" | tr -c 'a-z0-9\n' '-')
: "${MODELS:=$name.s1 $name.s2 $name.s3}" "${MOST:=112}"
iso() { verb=$1; shift; $ISOFLOP "$verb" "$@" --threads "$THREADS" --home "$ISOFLOP_HOME"; }
mkdir -p "$out"
scorer=
if [ "$SCORER_ITEMS" -gt 0 ]; then
    iso teach --scorer train.decay=0.2 name="$name.scorer" from="$name.s1" tasks="$task" items="$SCORER_ITEMS" replies=4 max_new_tokens="$MOST" \
        train.learning_rate=0.002 train.batch_tokens=2304 > "$out/$name.scorer.txt"
    cp "$ISOFLOP_HOME/runs/$name.scorer/reliability.svg" "$out/$name.scorer.svg"
    scorer="--scorer $name.scorer"
fi
# shellcheck disable=SC2086
iso think-curve $MODELS --task "$task" --budgets "$BUDGETS" --items "$ITEMS" $scorer --csv "$out/$name.csv" --svg "$out/$name.svg" \
    > "$out/$name.txt"
