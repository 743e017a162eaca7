#!/bin/sh
# The first o1 plot: accuracy on held-out items against the compute of reinforcement, three seeds, beside its controls: the model
# made to think before any reinforcement, fine-tuning on its own right replies (method=rejection), and more of the same
# demonstrations for the same FLOPs.
#
#   sh recipes/thinking.sh parity:2 results/thinking           some minutes on two cores
#
# MODEL, ITEMS, PASSES, STEPS, MOST change the model, the demonstrations, the steps of reinforcement, the tokens of a reply.
# Set ISOFLOP to the command when it is not on the path, ISOFLOP_HOME to the home. What is done is never done twice.
set -eu
task=${1:?"usage: sh recipes/thinking.sh TASK:LEVEL FOLDER"}
out=${2:?"usage: sh recipes/thinking.sh TASK:LEVEL FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${ITEMS:=40000}" "${PASSES:=2}" "${STEPS:=40}" "${MOST:=24}"
: "${MODEL:=model.d_model=64 model.n_layer=2 model.n_head=4}" "${CONTEXT:=64}"
name=$(echo "$task" | tr -c 'a-z0-9\n' '-')
iso() { verb=$1; shift; $ISOFLOP "$verb" "$@" --home "$ISOFLOP_HOME"; }
mkdir -p "$out"
rl= rft= more=
for s in 1 2 3; do
    # shellcheck disable=SC2086
    iso teach name="$name.s$s" tasks="$task" think=0.3 items="$ITEMS" passes="$PASSES" context="$CONTEXT" seed=$s $MODEL \
        train.learning_rate=0.004 train.batch_tokens=2048
    iso rl name="$name.rl.s$s" from="$name.s$s" tasks="$task" seed=$s steps="$STEPS" most_tokens="$MOST" eval_every=5
    iso rl name="$name.rft.s$s" from="$name.s$s" tasks="$task" seed=$s steps="$STEPS" most_tokens="$MOST" eval_every=5 method=rejection
    flops=$(tail -n 1 "$ISOFLOP_HOME/runs/$name.rl.s$s/rl.jsonl" | sed 's/.*"flops":\([0-9.eE+]*\).*/\1/')
    # Demonstrations of other items, at a rate that goes on from where the first ended; its examination is step 0 of one step.
    iso teach name="$name.more.s$s" from="$name.s$s" tasks="$task" think=0.3 items="$ITEMS" seed=$((s + 100)) flops="$flops" \
        train.learning_rate=0.001
    iso rl name="$name.more-exam.s$s" from="$name.more.s$s" tasks="$task" seed=$s steps=1 most_tokens="$MOST" skip_gate=true
    rl="$rl $name.rl.s$s" rft="$rft $name.rft.s$s" more="$more $name.more-exam.s$s"
done > /dev/null
{
    for run in $rl $rft $more; do
        echo "== $run"
        iso rl show "$run"
    done
    echo
    # shellcheck disable=SC2086
    iso traces "$name.rl.s1" --count 4
} > "$out/$name.txt"
# shellcheck disable=SC2086
iso traces $rl $rft --svg "$out/$name.svg"
