#!/bin/sh
# Reinforcement's gain against the compute of pretraining: the same demonstrations and the same reinforcement from rungs of one
# ladder (recipes/world.json), and each model with and without at all that was spent on it, pretraining included.
#
#   isoflop ladder recipes/world.json && sh recipes/thinking-rungs.sh addition:1 results/thinking
#
# RUNGS names them; ISOFLOP, ISOFLOP_HOME, THREADS as in thinking.sh.
set -eu
task=${1:?"usage: sh recipes/thinking-rungs.sh TASK:LEVEL FOLDER"}
out=${2:?"usage: sh recipes/thinking-rungs.sh TASK:LEVEL FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${THREADS:=0}" "${ITEMS:=40000}" "${STEPS:=40}" "${MOST:=48}"
: "${RUNGS:=world.1e11.d24 world.1e12.d48 world.1e13.d80}" "${RATE:=3e-4}" "${THINK:=0.5}"
name=$(echo "$task" | tr -c 'a-z0-9\n' '-')
iso() { verb=$1; shift; $ISOFLOP "$verb" "$@" --home "$ISOFLOP_HOME"; }
mkdir -p "$out"
taught= learnt=
for rung in $RUNGS; do
    for s in 1 2 3; do
        run="$name.$rung"
        iso teach train.decay=0.2 name="$run.taught.s$s" from="$rung.s$s" tasks="$task" think="$THINK" trace=proof items="$ITEMS" seed=$s \
            train.learning_rate=0.003 train.batch_tokens=2048 --threads "$THREADS"
        iso rl name="$run.rl.s$s" from="$run.taught.s$s" tasks="$task" seed=$s steps="$STEPS" max_new_tokens="$MOST" \
            eval_every=$((STEPS / 2)) learning_rate="$RATE" skip_gate=true --threads "$THREADS"
        taught="$taught $run.taught.s$s" learnt="$learnt $run.rl.s$s"
    done
done > /dev/null
# shellcheck disable=SC2086
iso exam $taught $learnt --task "$task" --items 256 --max-new-tokens "$MOST" --x flops --csv "$out/rungs.$name.csv" \
    --svg "$out/rungs.$name.svg" > "$out/rungs.$name.txt"
