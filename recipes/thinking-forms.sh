#!/bin/sh
# The same solutions shown in three ways (the answer, then its proof; the proof, then the answer; the search as it goes, with its
# mistakes and steps back) for the same FLOPs, then the same reinforcement from each. Three seeds.
#
#   sh recipes/thinking-forms.sh sudoku4:2 results/thinking
#
# FLOPS, STEPS, MOST, CONTEXT, BATCH, RATE as in thinking.sh; ISOFLOP, ISOFLOP_HOME, THREADS too.
set -eu
task=${1:?"usage: sh recipes/thinking-forms.sh TASK:LEVEL FOLDER"}
out=${2:?"usage: sh recipes/thinking-forms.sh TASK:LEVEL FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${FLOPS:=1.5e12}" "${STEPS:=40}" "${MOST:=100}" "${CONTEXT:=192}"
: "${BATCH:=2304}" "${RATE:=3e-4}" "${THREADS:=0}"
name=$(echo "$task" | tr -c 'a-z0-9\n' '-')
iso() { verb=$1; shift; $ISOFLOP "$verb" "$@" --home "$ISOFLOP_HOME"; }
mkdir -p "$out"
taught= learnt=
for form in answer_first proof monologue; do
    for s in 1 2 3; do
        run="$name.$form"
        iso teach train.decay=0.2 name="$run.s$s" tasks="$task" think=1 trace="$form" items=60000 context="$CONTEXT" seed=$s flops="$FLOPS" \
            model.d_model=64 model.n_layer=2 model.n_head=4 train.learning_rate=0.004 train.batch_tokens="$BATCH" \
            --threads "$THREADS"
        iso rl name="$run.rl.s$s" from="$run.s$s" tasks="$task" seed=$s steps="$STEPS" max_new_tokens="$MOST" \
            eval_every=$((STEPS / 4)) learning_rate="$RATE" skip_gate=true --threads "$THREADS"
        taught="$taught $run.s$s" learnt="$learnt $run.rl.s$s"
    done
done > /dev/null
# shellcheck disable=SC2086
iso exam $taught $learnt --task "$task" --items 128 --max-new-tokens "$MOST" --csv "$out/forms.$name.csv" > "$out/forms.$name.txt"
# shellcheck disable=SC2086
iso traces $learnt --svg "$out/forms.$name.svg" > /dev/null
iso traces "$name.answer_first.rl.s1" "$name.proof.rl.s1" "$name.monologue.rl.s1" --count 2 >> "$out/forms.$name.txt"
