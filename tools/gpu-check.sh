#!/bin/sh
# Everything that wants a card, in six minutes.
#     sh tools/gpu-check.sh pack FILE.tar.xz          where the SDK is: the program, its tests and its bench with their runtime; at most 64 MB
#     sh gpu-check.sh run FOLDER [DEVICE]             on the machine with the card, in the unpacked folder: no SDK, no network; default cuda:0
#     sh gpu-check.sh played FOLDER LIBRARY           the same, smaller, on a card that the host plays: what 'tools/kernels.sh host LIBRARY' made
# FOLDER gets a small file a part: machine, tests, corpus, bits, operations, plain, table (beside PyTorch, where python3 imports torch), ladder, and summary.txt; machine-plain where machine failed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

pack() {
    root=$(cd "$here/.." && pwd) room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    for project in src/Isoflop.Cli tests/Isoflop.Tests bench/Isoflop.Bench; do     # one folder: they share the runtime
        dotnet publish "$root/$project" -c Release -r linux-x64 --self-contained -o "$room/check" -v quiet --nologo \
            -p:UseAppHost=true -p:ErrorOnDuplicatePublishOutputFiles=false -p:DebugType=none -p:SatelliteResourceLanguages=en -p:PublishAot=false
    done
    rm -rf "$room"/check/*.pdb "$room"/check/*.xml
    cp "$here/gpu-check.sh" "$root/bench/peers/torch_train.py" "$root/Isoflop.slnx" "$room/check/"
    if [ -d "$root/../shared/golden" ]; then cp -r "$root/../shared/golden" "$room/check/golden"; fi
    tar -C "$room" -cJf "$1" check
    bytes=$(wc -c < "$1")
    echo "$1: $bytes bytes"
    [ "$bytes" -le 64000000 ] || { echo "more than 64 MB" >&2; return 1; }
}

# part NAME SECONDS COMMAND…: output into NAME.txt, one line into summary.txt. What runs out of time is cut off and said so; what it wrote stays.
part() {
    name=$1 most=$2
    shift 2
    began=$(date +%s) code=0
    timeout -k 5 "$most" "$@" > "$out/$name.txt" 2>&1 || code=$?
    case $code in 0) said=done ;; 124) said="out of time" ;; *) said="FAILED ($code)" ;; esac
    echo "$name: $said, $(($(date +%s) - began)) of $most s" | tee -a "$out/summary.txt"
}

# 'isoflop machine' ends with 0 where the card fails: what counts is a card that was measured.
machine() { "$here/isoflop" machine --json | awk '{ print } /"tflops"/ { found = 1 } END { exit !found }'; }

corpus() { "$here/isoflop" corpus world --bytes "$bytes" --vocab 512 --home "$home"; }

bits() {                                     # a run that is killed again and again ends with the bits of one that is not
    settings="corpus=world model.d_model=$width model.n_layer=$layers train.steps=$steps save.every=$every seed=1"
    "$here/isoflop" train $settings name=whole --device "$device" --home "$home"
    for delay in $delays; do
        timeout -s KILL "$delay" "$here/isoflop" train $settings name=killed --device "$device" --home "$home" || true
    done
    "$here/isoflop" train $settings name=killed --device "$device" --home "$home"
    "$here/isoflop" train $settings name=cut train.micro_tokens=$micro --device "$device" --home "$home"
    set -- $(cd "$home/runs" && sha256sum whole/step-*/model.safetensors killed/step-*/model.safetensors cut/step-*/model.safetensors \
        | awk '{ split($2, part, "/"); last[part[1]] = $1 } END { for (run in last) print last[run] }' | sort -u)
    echo "$# different models"
    [ $# -eq 1 ]
}

# What overlapping kernels and warpgroups' products gain: the same sizes without either.
plain() { for i in $plainly; do ISOFLOP_PLAIN_CARD=1 "$here/Isoflop.Bench" card "$device" 1 "$i" "$i"; done; }

operations() { for i in $profiled; do "$here/Isoflop.Bench" card "$device" operations "$i"; done; }

table() {                                    # ours and PyTorch by turns, the same sizes, the same minute; what the goals speak of first
    python=""
    if python3 -c 'import torch; assert torch.cuda.is_available()' 2> /dev/null; then python=python3; fi
    echo "vocab context width layers heads ff windows | ours tokens/s, share of peak | PyTorch: graph, compiled, tokens/s | ours to each"
    for i in $sizes; do
        line=$("$here/Isoflop.Bench" card "$device" 2 "$i" "$i") || { echo "size $i failed"; continue; }
        set -- $line
        graph=- compiled=-
        if [ -n "$python" ]; then
            graph=$(timeout 40 python3 "$here/torch_train.py" cuda-graph-bf16 0 2 "$1" "$2" "$3" "$4" "$5" "$6" "$7" 2> /dev/null | tail -1) || graph=-
            compiled=$(timeout 60 python3 "$here/torch_train.py" cuda-compile-bf16 0 2 "$1" "$2" "$3" "$4" "$5" "$6" "$7" 2> /dev/null | tail -1) || compiled=-
        fi
        echo "$1 $2 $3 $4 $5 $6 $7 | $8 $9 | $graph $compiled | $(ratio "$8" "$graph") $(ratio "$8" "$compiled")"
    done
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b + 0 > 0) printf "%.2f", a / b; else print "-" }'; }

ladder() {
    "$here/isoflop" ladder card --corpus world --budgets "$budgets" --seeds 1 --tune 0 --yes --device "$device" --home "$home"
}

run() {
    out=$(mkdir -p "$1" && cd "$1" && pwd) home=$(mktemp -d)
    trap 'rm -rf "$home"' EXIT
    : > "$out/summary.txt"
    { nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true; } > "$out/card.txt" 2>&1
    export ISOFLOP_CARD="$device" ISOFLOP_HOME="$home" ISOFLOP_GOLDEN="$here/golden"
    part machine 20 sh "$here/gpu-check.sh" machine
    if ! grep -q '^machine: done' "$out/summary.txt"; then
        export ISOFLOP_PLAIN_CARD=1
        part machine-plain 20 sh "$here/gpu-check.sh" machine             # all that follows is plain then
    fi
    part tests 70 "$here/Isoflop.Tests" -class "*CudaKernelTests" -class "*CudaAttentionTests" -class "*CudaCardTests" -class "*PackedProductTests"
    part corpus 25 sh "$here/gpu-check.sh" corpus
    part bits 45 sh "$here/gpu-check.sh" bits
    part operations 20 sh "$here/gpu-check.sh" operations
    [ -n "${ISOFLOP_PLAIN_CARD:-}" ] || part plain 15 sh "$here/gpu-check.sh" plain
    part table 110 sh "$here/gpu-check.sh" table
    part ladder 50 sh "$here/gpu-check.sh" ladder
    if [ -d "$home/studies/card" ]; then cp "$home"/studies/card/*.csv "$home"/studies/card/*.json "$out/" 2> /dev/null || true; fi
    ! grep -q FAILED "$out/summary.txt"
}

# What a card takes, and a played one.
device=${ISOFLOP_CARD:-cuda:0} home=${ISOFLOP_HOME:-}
if [ -n "${ISOFLOP_PLAYED:-}" ]; then
    bytes=2e5 width=16 layers=1 steps=12 every=3 delays="3 4 5" micro=256 profiled=8 plainly=8 sizes=8 budgets=1e7..3e7
else
    bytes=2e7 width=128 layers=4 steps=400 every=50 delays="1 1.5 2 2.5 3 4" micro=2048 profiled="2 4 6" plainly="0 4 6" sizes="0 2 4 6 1 5 7 3" budgets=1e11..1e14
fi

case ${1:-} in
pack) pack "${2:?FILE.tar.xz}" ;;
run) device=${3:-cuda:0}; run "${2:?FOLDER}" ;;
played)
    mkdir -p "${2:?FOLDER}"
    cp "${3:?LIBRARY}" "$2/libcuda.so.1"
    LD_LIBRARY_PATH=$(cd "$2" && pwd) ISOFLOP_PLAYED=1 sh "$here/gpu-check.sh" run "$2" || code=$?
    rm -f "$2/libcuda.so.1"
    exit ${code:-0}
    ;;
machine | corpus | bits | operations | plain | table | ladder) "$1" ;;
*) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
