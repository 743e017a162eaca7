#!/bin/sh
# Which learning rate is best, for which width, batch and length of a run? Each cell trains one size for one length at rates a
# factor of two apart, three at first, and on while the best lies at an edge. The parabola through the best and its neighbours
# gives the best rate; least squares over the cells give the dial's exponents (ComputeOptimal.cs), and every cell says how far
# the dial's own rate is off: dotnet run -c Release --project bench/Isoflop.Bench -- dial FOLDER/runs.csv 1.1e13
#
#   isoflop corpus world --bytes 5e8
#   isoflop corpus small --vocab 512 --valid-share 0.03
#   sh recipes/dial.sh [FOLDER [BUDGET [WIDTH]]]     the table goes to FOLDER; of all cells, four hours of a core, or of those
set -eu
isoflop=${ISOFLOP:-isoflop}
home=${ISOFLOP_HOME:-./isoflop}
out=${1:-results/dial}
only=${2:-} width=${3:-}
mkdir -p "$out"

# loss CORPUS FLOPS WIDTH BATCH SEED STEP: of a run at a rate of 0.01 · 2^STEP; a batch of "own" is the dial's
loss() {
    rate=$(awk -v step="$6" 'BEGIN { printf "%.6g", 0.01 * 2 ^ step }')
    batch=; [ "$4" = own ] || batch=train.batch_tokens=$4
    # shellcheck disable=SC2086
    $isoflop train "name=dial.$1.$2.d$3.b$4.x$6.s$5" "corpus=$1" model.context_len=128 "flops=$2" "model.d_model=$3" $batch train.decay=0.4 \
        "train.learning_rate=$rate" "seed=$5" save.minutes=2 --home "$home" ${THREADS:+--threads $THREADS} --json \
        | sed 's/.*"valid_loss":\([^,]*\).*/\1/'
}

# cell CORPUS FLOPS WIDTH BATCH FIRST SEEDS: rates around 0.01 · 2^FIRST until the best has a neighbour on either side
cell() {
    [ "$2" = "${only:-$2}" ] && [ "$3" = "${width:-$3}" ] || return 0
    low=$(($5 - 1)) high=$(($5 + 1))
    while :; do
        best=$(for step in $(seq $low $high); do
                for seed in $6; do echo "$step $(loss "$1" "$2" "$3" "$4" "$seed" "$step")"; done
            done | awk 'NF != 2 || $2 + 0 <= 0 { exit 1 } { sum[$1] += $2 } END { for (s in sum) if (best == "" || sum[s] < sum[best]) best = s; print best }')
        if [ "$best" -eq $low ]; then low=$((low - 1))
        elif [ "$best" -eq $high ]; then high=$((high + 1))
        else break; fi
    done
    echo "$1 $2 width $3 batch $4: best of 0.01 · 2^$low … 2^$high is 2^$best" >&2
}

# Some 5, 20 and 80 tokens a parameter, in the dial's own shapes and batches.
for corpus in world small; do
    cell $corpus 1e10 16 own 1 "1 2 3 4"
    cell $corpus 1e10 8 own 1 "1 2 3 4"
    for w in 32 24 16; do cell $corpus 1e11 $w own 0 "1 2 3 4"; done
done
for w in 64 48 32; do cell world 1e12 $w own 0 "1 2"; done
for w in 80 64 48; do cell world 3e12 $w own -1 "1 2"; done
for w in 112 80 64; do cell world 1e13 $w own -1 "1 2"; done
# Other batches.
cell world 1e11 24 128 0 "1 2 3 4"
cell world 1e11 24 2048 1 "1 2 3 4"
cell world 1e12 48 128 -1 "1 2"
cell world 1e12 48 2048 1 "1 2"
cell world 3e12 64 4096 1 "1 2"
# The check: not fitted.
for w in 128 160 96; do cell world 1e14 $w own -2 1; done

$isoflop runs 'dial.*' --where status=done \
    --columns name,corpus,seed,model.d_model,model.n_layer,planned_flops,tokens,steps,train.batch_tokens,train.learning_rate,flops,valid_loss --csv "$out/runs.csv" --home "$home"
