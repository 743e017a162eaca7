#!/bin/sh
# Which learning rate is best, for which width, batch and length of a run? Each cell trains one size for one length at rates a
# factor of two apart, three at first, and on while the best lies at an edge. The parabola through the best and its neighbours
# gives the best rate; least squares over the cells give the dial's exponents (ComputeOptimal.cs), and every cell says how far
# the dial's own rate is off: dotnet run -c Release --project bench/Isoflop.Bench -- dial FOLDER/runs.csv
#
#   isoflop corpus world --bytes 3.2e7 --valid-bytes 800000 --vocab 512
#   isoflop corpus small --vocab 512 --valid-share 0.03
#   sh recipes/dial.sh [FOLDER]        the table goes to FOLDER; 1e14 FLOPs, most of it in the last two cells
set -eu
isoflop=${ISOFLOP:-isoflop}
out=${1:-results/dial}
mkdir -p "$out"

# loss CORPUS FLOPS WIDTH LAYERS BATCH SEED STEP: of a run at a rate of 0.01 · 2^STEP
loss() {
    rate=$(awk -v step="$7" 'BEGIN { printf "%.6g", 0.01 * 2 ^ step }')
    # shellcheck disable=SC2086
    $isoflop train "name=dial.$1.$2.d$3.b$5.x$7.s$6" "corpus=$1" model.context_len=128 "flops=$2" "model.d_model=$3" "model.n_layer=$4" \
        "train.batch_tokens=$5" "train.learning_rate=$rate" "seed=$6" save.minutes=2 ${THREADS:+--threads $THREADS} --json \
        | sed 's/.*"valid_loss":\([^,]*\).*/\1/'
}

# cell CORPUS FLOPS WIDTH LAYERS BATCH FIRST SEEDS: rates around 0.01 · 2^FIRST until the best has a neighbour on either side
cell() {
    low=$(($6 - 1)) high=$(($6 + 1))
    while :; do
        best=$(for step in $(seq $low $high); do
                for seed in $7; do echo "$step $(loss "$1" "$2" "$3" "$4" "$5" "$seed" "$step")"; done
            done | awk '{ sum[$1] += $2 } END { for (s in sum) if (best == "" || sum[s] < sum[best]) best = s; print best }')
        if [ "$best" -eq $low ]; then low=$((low - 1))
        elif [ "$best" -eq $high ]; then high=$((high + 1))
        else break; fi
    done
    echo "$1 $2 width $3 batch $5: best of 0.01 · 2^$low … 2^$high is 2^$best" >&2
}

# Fitted: batches around those of the first dial, two seeds where runs are short.
for corpus in world small; do
    cell $corpus 1e10 8 2 512 2 "1 2"
    cell $corpus 1e10 16 2 256 1 "1 2"
    cell $corpus 1e11 16 2 2048 1 "1 2"
    cell $corpus 1e11 24 2 1024 1 "1 2"
    cell $corpus 1e11 32 2 1024 1 "1 2"
done
cell world 1e11 24 2 256 0 1
cell world 1e11 24 2 4096 1 1
cell world 1e12 80 2 2048 0 1
cell world 1e12 48 2 2048 0 1
cell world 1e12 32 2 2048 0 1
# Checked: the dial's own shapes and batches, some 4, 20 and 80 tokens a parameter.
cell world 1e10 16 2 128 1 "1 2"
cell world 1e10 8 2 128 1 "1 2"
cell world 1e11 32 2 256 0 1
cell world 1e11 24 2 512 0 1
cell world 1e11 16 2 512 0 1
cell world 1e12 80 3 512 -1 1
cell world 1e12 48 2 512 -1 1
cell world 1e12 32 2 512 -1 1
cell world 1e13 112 4 512 -1 1
cell world 1e13 80 3 1024 -1 1
cell world 1e13 64 2 1024 -1 1
$isoflop runs 'dial.*' --where status=done --columns \
    name,corpus,seed,model.d_model,model.n_layer,planned_flops,tokens,steps,train.batch_tokens,train.learning_rate,flops,valid_loss \
    --csv "$out/runs.csv"
