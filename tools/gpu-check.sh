#!/bin/sh
# Everything that wants a card, in about six minutes.
#     sh tools/gpu-check.sh pack FILE.tar.xz   where the SDK is: the program, its tests and its bench with their runtime; at most 64 MB
#     sh gpu-check.sh run FOLDER [DEVICE]      on the machine with the card, in the unpacked folder: no SDK, no network; default cuda:0
# FOLDER gets a file a part: machine, tests, bits, table (beside PyTorch, where python3 imports torch), ladder, and summary.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

pack() {
    root=$(cd "$here/.." && pwd) room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    for project in src/Isoflop.Cli tests/Isoflop.Tests bench/Isoflop.Bench; do     # one folder: they share the runtime
        dotnet publish "$root/$project" -c Release -r linux-x64 --self-contained -o "$room/check" -v quiet --nologo \
            -p:UseAppHost=true -p:ErrorOnDuplicatePublishOutputFiles=false -p:DebugType=none -p:SatelliteResourceLanguages=en
    done
    rm -rf "$room"/check/*.pdb "$room"/check/*.xml
    cp "$here/gpu-check.sh" "$root/bench/peers/torch_train.py" "$root/Isoflop.slnx" "$room/check/"
    if [ -d "$root/../shared/golden" ]; then cp -r "$root/../shared/golden" "$room/check/golden"; fi
    tar -C "$room" -cJf "$1" check
    bytes=$(wc -c < "$1")
    echo "$1: $bytes bytes"
    [ "$bytes" -le 64000000 ] || { echo "more than 64 MB" >&2; return 1; }
}

part() {                                     # part NAME SECONDS COMMAND…: output into NAME.txt, one line into summary.txt
    name=$1 most=$2
    shift 2
    began=$(date +%s)
    if timeout "$most" "$@" > "$out/$name.txt" 2>&1; then said=done; else said="FAILED ($?)"; fi
    echo "$name $said, $(($(date +%s) - began)) s" | tee -a "$out/summary.txt"
}

corpus() { "$here/isoflop" corpus world --bytes 2e7 --vocab 512 --home "$home"; }

bits() {                                     # a run that is killed again and again ends with the bits of one that is not
    settings="corpus=world model.d_model=128 model.n_layer=4 train.steps=400 save.every=50 seed=1"
    "$here/isoflop" train $settings name=whole --device "$device" --home "$home"
    for delay in 1 1.5 2 2.5 3 4; do
        timeout -s KILL "$delay" "$here/isoflop" train $settings name=killed --device "$device" --home "$home" || true
    done
    "$here/isoflop" train $settings name=killed --device "$device" --home "$home"
    "$here/isoflop" train $settings name=cut train.micro_tokens=2048 --device "$device" --home "$home"
    set -- $(cd "$home/runs" && sha256sum */step-000400/model.safetensors | awk '{ print $1 }' | sort -u)
    echo "$# different models"
    [ $# -eq 1 ]
}

table() {                                    # ours and PyTorch by turns, the same sizes, the same minute
    python=""
    if python3 -c 'import torch; assert torch.cuda.is_available()' 2> /dev/null; then python=python3; fi
    echo "vocab context width layers heads ff windows | ours tokens/s, share of peak | torch.compile tokens/s | ratio"
    for i in 0 1 2 3 4 5 6 7; do
        line=$("$here/Isoflop.Bench" card "$device" 3 "$i" "$i") || { echo "size $i failed"; continue; }
        set -- $line
        peer="-"
        if [ -n "$python" ]; then
            peer=$(timeout 60 python3 "$here/torch_train.py" cuda-compile-bf16 0 3 "$1" "$2" "$3" "$4" "$5" "$6" "$7" 2> /dev/null | tail -1) || peer="-"
        fi
        ratio=$(awk -v a="$8" -v b="$peer" 'BEGIN { if (b + 0 > 0) printf "%.2f", a / b; else print "-" }')
        echo "$1 $2 $3 $4 $5 $6 $7 | $8 $9 | $peer | $ratio"
    done
}

run() {
    out=$(mkdir -p "$1" && cd "$1" && pwd) device=${2:-cuda:0} home=$(mktemp -d)
    trap 'rm -rf "$home"' EXIT
    : > "$out/summary.txt"
    { nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || true; } > "$out/card.txt" 2>&1
    export ISOFLOP_CARD="$device" ISOFLOP_HOME="$home" ISOFLOP_GOLDEN="$here/golden"
    part machine 60 "$here/isoflop" machine --json
    part tests 90 "$here/Isoflop.Tests" -class "*CardTests"
    part corpus 40 sh "$here/gpu-check.sh" corpus
    part bits 60 sh "$here/gpu-check.sh" bits
    part table 200 sh "$here/gpu-check.sh" table
    part ladder 90 "$here/isoflop" ladder card --corpus world --budgets 1e11..1e14 --seeds 1 --tune 0 --yes --device "$device" --home "$home"
    if [ -d "$home/studies/card" ]; then cp "$home"/studies/card/*.csv "$home"/studies/card/*.json "$out/" 2> /dev/null || true; fi
    ! grep -q FAILED "$out/summary.txt"
}

case ${1:-} in
pack) pack "${2:?FILE.tar.xz}" ;;
run) shift; run "${1:?FOLDER}" "${2:-cuda:0}" ;;
corpus | bits | table) device=$ISOFLOP_CARD home=$ISOFLOP_HOME; "$1" ;;
*) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
