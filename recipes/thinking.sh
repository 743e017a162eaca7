#!/bin/sh
# The first o1 plot: accuracy on held-out items against the compute of reinforcement, three seeds, beside its controls: the model
# made to think before any reinforcement, fine-tuning on its own right replies (method=rejection), and more of the same
# demonstrations for the same FLOPs.
#
#   sh recipes/thinking.sh parity:2 results/thinking           some minutes on two cores
#
# TEACH: what is demonstrated, where that is more than the task. THINK: the share of demonstrations that think first. MODEL, ITEMS,
# PASSES, CONTEXT, BATCH, STEPS, MOST, RATE change the model, the demonstrations, the steps of reinforcement, the tokens of a reply,
# the learning rate of reinforcement. Set ISOFLOP to the command when it is not on the path, ISOFLOP_HOME to the home, THREADS to use
# fewer than all cores. What is done is never done twice.
set -eu
task=${1:?"usage: sh recipes/thinking.sh TASK:LEVEL FOLDER"}
out=${2:?"usage: sh recipes/thinking.sh TASK:LEVEL FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${ITEMS:=40000}" "${PASSES:=2}" "${STEPS:=40}" "${MOST:=24}" "${THREADS:=0}"
: "${MODEL:=model.d_model=64 model.n_layer=2 model.n_head=4}" "${CONTEXT:=64}" "${BATCH:=2048}" "${RATE:=1e-3}" "${THINK:=0.3}"
: "${TEACH:=$task}"
name=$(echo "$task" | tr -c 'a-z0-9\n' '-')
iso() { verb=$1; shift; $ISOFLOP "$verb" "$@" --home "$ISOFLOP_HOME"; }
teach() { iso teach train.decay=0.2 "$@" tasks="$TEACH" think="$THINK" items="$ITEMS" train.batch_tokens="$BATCH" --threads "$THREADS"; }
rl() {
    iso rl "$@" tasks="$task" steps="$STEPS" max_new_tokens="$MOST" eval_every=$((STEPS / 8)) learning_rate="$RATE" skip_gate=true \
        --threads "$THREADS"
}
mkdir -p "$out"
rl= rft= more=
for s in 1 2 3; do
    # shellcheck disable=SC2086
    teach name="$name.s$s" passes="$PASSES" context="$CONTEXT" seed=$s $MODEL train.learning_rate=0.004
    rl name="$name.rl.s$s" from="$name.s$s" seed=$s
    rl name="$name.rft.s$s" from="$name.s$s" seed=$s method=rejection
    flops=$(tail -n 1 "$ISOFLOP_HOME/runs/$name.rl.s$s/rl.jsonl" | sed 's/.*"flops":\([0-9.eE+]*\).*/\1/')
    # Demonstrations of other items, at a rate that goes on from where the first ended.
    teach name="$name.more.s$s" from="$name.s$s" seed=$((s + 100)) flops="$flops" train.learning_rate=0.001
    rl="$rl $name.rl.s$s" rft="$rft $name.rft.s$s" more="$more $name.more.s$s"
done > /dev/null
{
    for run in $rl $rft; do
        echo "== $run"
        iso rl show "$run"
    done
    echo
    # shellcheck disable=SC2086
    iso exam $rl $rft $more --task "$task" --forms open,think --items 128 --max-new-tokens "$MOST"
    echo
    # shellcheck disable=SC2086
    iso rl forecast $rl || true
    echo
    iso traces "$name.rl.s1" --count 4
} > "$out/$name.txt"
# shellcheck disable=SC2086
iso traces $rl $rft --controls $more --svg "$out/$name.svg"
# shellcheck disable=SC2086
iso traces $rl --forecast --svg "$out/$name.habits.svg"
