#!/bin/sh
# Thought against direct answers over model scale, at equal training FLOPs, beside two controls: as many dots as the thought has
# tokens, and the thought of another item. Three serial tasks, three sizes, three seeds.
#
#   sh recipes/thinking-scale.sh results/thinking
#
# TASKS, WIDTHS, FLOPS, KINDS change the study; ISOFLOP, ISOFLOP_HOME, THREADS as in thinking.sh. What is done is never done twice.
set -eu
out=${1:?"usage: sh recipes/thinking-scale.sh FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${FLOPS:=4e11}" "${WIDTHS:=32 64 128}" "${THREADS:=0}" "${CONTEXT:=64}"
: "${TASKS:=parity:2 modular-chain:2 permutations:2}" "${KINDS:=thought direct filler corrupted}"
mkdir -p "$out"
for task in $TASKS; do
    name=$(echo "$task" | tr -c 'a-z0-9\n' '-')
    runs=
    for kind in $KINDS; do
        case $kind in
            thought) how="think=1 trace=proof" ;;
            direct) how="think=0" ;;
            *) how="think=1 trace=$kind" ;;
        esac
        for d in $WIDTHS; do
            for s in 1 2 3; do
                run="$name.$kind.d$d.s$s"
                # shellcheck disable=SC2086
                $ISOFLOP teach train.decay=0.2 name="$run" tasks="$task" $how items=100000 context="$CONTEXT" seed=$s flops="$FLOPS" \
                    model.d_model="$d" model.n_layer=2 model.n_head=$((d / 16)) train.learning_rate=0.004 \
                    train.batch_tokens=2048 --threads "$THREADS" --home "$ISOFLOP_HOME" > /dev/null
                runs="$runs $run"
            done
        done
    done
    # shellcheck disable=SC2086
    $ISOFLOP exam $runs --task "$task" --replies 4 --max-new-tokens 48 --csv "$out/scale.$name.csv" --svg "$out/scale.$name.svg" \
        --home "$ISOFLOP_HOME" > "$out/scale.$name.txt"
done
