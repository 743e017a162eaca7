#!/bin/sh
# What is left of the dial beside its rate: AdamW's epsilon, the share of the run that decays, the mean of the last checkpoints,
# and whether the held-out text is long enough to tell seeds apart. Two seeds each at two budgets.
#
#   isoflop corpus world --bytes 5e8
#   sh recipes/details.sh [FOLDER]        tables go to FOLDER; 1.5e13 FLOPs
set -eu
isoflop=${ISOFLOP:-isoflop}
bench=${BENCH:-"dotnet run -c Release --project bench/Isoflop.Bench --"}
home=${ISOFLOP_HOME:-./isoflop}
out=${1:-results/details}
mkdir -p "$out"

# run FLOPS SEED WHAT [SETTING]
run() {
    # shellcheck disable=SC2086
    $isoflop train "name=details.$1.$3.s$2" corpus=world model.context_len=128 "flops=$1" "seed=$2" save.keep=100 "save.every=${every:-0}" \
        ${4:+"$4"} --home "$home" ${THREADS:+--threads $THREADS} > /dev/null
}

for flops in 1e11 1e12; do
    for seed in 1 2; do
        every=50 run $flops $seed plain
        for e in 1e-6 1e-10 1e-12; do run $flops $seed "eps$e" "train.eps=$e"; done
        for d in 0.1 0.4 0.7; do run $flops $seed "decay$d" "train.decay=$d"; done
    done
done
$isoflop runs 'details.*' --where status=done --columns name,seed,model.d_model,steps,train.batch_tokens,train.eps,train.decay,flops,valid_loss \
    --csv "$out/runs.csv" --home "$home"
$bench average "$home" details.1e11.plain.s1 details.1e11.plain.s2 details.1e12.plain.s1 details.1e12.plain.s2 > "$out/average.txt"
$bench noise "$home" details.1e11.plain.s1 details.1e11.plain.s2 details.1e12.plain.s1 details.1e12.plain.s2 > "$out/noise.txt"
cat "$out/average.txt" "$out/noise.txt"
