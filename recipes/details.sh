#!/bin/sh
# What was left of the second dial beside its rate: AdamW's epsilon and decay of weights, the shares of the run that warm up
# and decay, the mean of the last checkpoints, and whether the held-out text is long enough to tell seeds apart. Two seeds each.
#
#   isoflop corpus world --bytes 5e8
#   sh recipes/documentation.sh texts && isoflop corpus documentation texts --vocab 512 --lossy --licence 'each package: its own'
#   sh recipes/details.sh [FOLDER]        tables go to FOLDER; 1e14 FLOPs
set -eu
isoflop=${ISOFLOP:-isoflop}
bench=${BENCH:-"dotnet run -c Release --project bench/Isoflop.Bench --"}
home=${ISOFLOP_HOME:-./isoflop}
out=${1:-results/details}
mkdir -p "$out"

# run FLOPS SEED WHAT [SETTING…]
run() {
    flops=$1 seed=$2 what=$3
    shift 3
    case "$*" in *train.decay=*) ;; *) set -- "$@" train.decay=0.2;; esac        # the second dial's
    # shellcheck disable=SC2086
    $isoflop train "name=details.$flops.$what.s$seed" "corpus=${corpus:-world}" model.context_len=128 "flops=$flops" "seed=$seed" save.keep=100 "save.every=${every:-0}" \
        "$@" --home "$home" ${THREADS:+--threads $THREADS} > /dev/null
}

for flops in 1e11 1e12; do
    for seed in 1 2; do
        (every=50; run $flops $seed plain)
        for e in 1e-6 1e-10 1e-12; do run $flops $seed "eps$e" "train.eps=$e"; done
        for d in 0.1 0.4 0.7; do run $flops $seed "decay$d" "train.decay=$d"; done
        for w in 0.02 0.1; do run $flops $seed "warmup$w" "train.warmup=$w"; done
        for w in 0.03 0.3; do run $flops $seed "weight-decay$w" "train.weight_decay=$w"; done
    done
done
for seed in 1 2; do
    for flops in 1e11 1e12 1e13; do run $flops $seed both train.decay=0.4 train.weight_decay=0.03; done
    run 1e12 $seed weight-decay0.01 train.weight_decay=0.01
    run 1e12 $seed both0.01 train.decay=0.4 train.weight_decay=0.01
    run 1e13 $seed plain
    run 1e13 $seed decay0.4 train.decay=0.4
    (corpus=documentation; run 1e12 $seed documentation)
    (corpus=documentation; run 1e12 $seed documentation-decay0.4 train.decay=0.4)
done
$isoflop runs 'details.*' --where status=done --columns name,corpus,seed,model.d_model,steps,train.batch_tokens,train.eps,train.decay,train.warmup,train.weight_decay,flops,valid_loss \
    --csv "$out/runs.csv" --home "$home"
$bench average "$home" details.1e11.plain.s1 details.1e11.plain.s2 details.1e12.plain.s1 details.1e12.plain.s2 > "$out/average.txt"
$bench noise "$home" details.1e11.plain.s1 details.1e11.plain.s2 details.1e12.plain.s1 details.1e12.plain.s2 > "$out/noise.txt"
cat "$out/average.txt" "$out/noise.txt"
