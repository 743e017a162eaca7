#!/bin/sh
# Everything that wants a card, in six minutes.
#     sh tools/gpu-check.sh pack FILE.tar.xz          where the SDK is: the program, its tests and its bench with their runtime; at most 50 MB
#     sh gpu-check.sh run FOLDER [DEVICE [MINUTES]]   on the machine with the card, in the unpacked folder: no SDK, no network; default cuda:0, 6
#     sh gpu-check.sh played FOLDER LIBRARY           the same, smaller, on a card that the host plays: what 'tools/kernels.sh host LIBRARY' made
# FOLDER gets summary.txt, a small file a part (PyTorch's where python3 imports torch) and parts.tar.gz, which holds them all. What fails or
# runs out of time is asked once more, kernel by kernel.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

pack() {
    root=$(cd "$here/.." && pwd) room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    for project in src/Isoflop.Cli tests/Isoflop.Tests bench/Isoflop.Bench; do     # one folder: they share the runtime
        dotnet publish "$root/$project" -c Release -r linux-x64 --self-contained -o "$room/check" -v quiet --nologo \
            -p:UseAppHost=true -p:ErrorOnDuplicatePublishOutputFiles=false -p:DebugType=none -p:SatelliteResourceLanguages=en -p:PublishAot=false
    done
    rm -rf "$room"/check/*.pdb "$room"/check/*.xml "$room/check/.playwright"
    cp "$here/gpu-check.sh" "$root/bench/peers/torch_train.py" "$root/Isoflop.slnx" "$room/check/"
    if [ -d "$root/../shared/golden" ]; then cp -r "$root/../shared/golden" "$room/check/golden"; fi
    tar -C "$room" -cJf "$1" check
    bytes=$(wc -c < "$1")
    echo "$1: $bytes bytes"
    [ "$bytes" -le 50000000 ] || { echo "more than 50 MB" >&2; return 1; }
}

# part NAME SECONDS COMMAND…: output into NAME.txt, one line into summary.txt. What runs out of time is cut off, with all that it began; what it
# wrote stays. 1: it was not done.
part() {
    name=$1 most=$(($2 * minutes / 6))
    shift 2
    began=$(date +%s) code=0
    timeout -k 5 "$most" "$@" > "$out/$name.txt" 2>&1 &
    group=$!                                 # timeout makes a group of its own
    wait "$group" || code=$?
    kill -s KILL -- "-$group" 2> /dev/null || true          # so written, dash takes it too
    case $code in 0) said=done ;; 124 | 137) said="out of time" ;; *) said="FAILED ($code)" ;; esac
    echo "$name: $said, $(($(date +%s) - began)) of $most s" | tee -a "$out/summary.txt"
    [ "$code" -eq 0 ] || { { nvidia-smi; dmesg | grep -iE 'nvrm|xid' | tail -30; } >> "$out/$name.txt" 2>&1 || true; }
    tar -C "$out" -czf "$out/parts.tar.gz" --exclude=parts.tar.gz --exclude=libcuda.so.1 . 2> /dev/null || true
    [ "$code" -eq 0 ]
}

# tests CLASS SECONDS: where they are not done, once more with each kernel named before it is launched.
tests() {
    part "$1" "$2" "$here/Isoflop.Tests" -class "*$1" -reporter verbose && return
    ISOFLOP_CARD_STEPS=1 part "$1-steps" 10 "$here/Isoflop.Tests" -class "*$1" || true
    tail -c 20000 "$out/$1-steps.txt" > "$out/$1-steps.end" && mv "$out/$1-steps.end" "$out/$1-steps.txt"
}

# The driver compiles what it is given, side by side, and keeps it.
compile() {
    running=""
    for i in 0 1 2 3; do
        "$here/Isoflop.Bench" card "$device" compile "$i" 4 & running="$running $!"
        ISOFLOP_PLAIN_CARD=1 "$here/Isoflop.Bench" card "$device" compile "$i" 4 > /dev/null & running="$running $!"
    done
    code=0
    for one in $running; do wait "$one" || code=1; done
    return $code
}

# 'isoflop machine' ends with 0 where the card fails: what counts is a card that was measured.
machine() { "$here/isoflop" machine --json | awk '{ print } /"tflops"/ { found = 1 } END { exit !found }'; }

corpus() { "$here/isoflop" corpus world --bytes "$bytes" --valid-bytes "$valid" --vocab 512 --home "$home"; }

# A run that is killed again and again, each time after a checkpoint of its own, ends with the bits of one that is not, and of one in smaller passes.
bits() {
    wait_for=${1:-}
    while [ -n "$wait_for" ] && [ ! -e "$wait_for" ]; do sleep 0.2; done           # the corpus
    settings="corpus=world model.d_model=$width model.n_layer=$layers train.steps=$steps train.batch_tokens=$batch save.every=$every seed=1"
    "$here/isoflop" train $settings name=whole --device "$device" --home "$home"
    for i in 1 2 3; do
        before=$(newest) tries=0
        "$here/isoflop" train $settings name=killed --device "$device" --home "$home" &
        run=$!
        while kill -0 "$run" 2> /dev/null && [ "$(newest)" = "$before" ] && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
        kill -KILL "$run" 2> /dev/null || true
        wait "$run" || true
        echo "killed after $(newest)"
    done
    "$here/isoflop" train $settings name=killed --device "$device" --home "$home"
    "$here/isoflop" train $settings name=cut train.micro_tokens=$micro --device "$device" --home "$home"
    set -- $(cd "$home/runs" && sha256sum whole/step-*/model.safetensors killed/step-*/model.safetensors cut/step-*/model.safetensors \
        | awk '{ split($2, part, "/"); last[part[1]] = $1 } END { for (run in last) print last[run] }' | sort -u)
    echo "$# different models"
    [ $# -eq 1 ]
}

newest() { ls -d "$home"/runs/killed/step-* 2> /dev/null | tail -1; }

# each SECONDS SIZE…: our steps of these sizes.
each() {
    seconds=$1 code=0
    shift
    for i in "$@"; do "$here/Isoflop.Bench" card "$device" "$seconds" "$i" "$i" || { echo "size $i failed"; code=1; }; done
    return $code
}

operations() { for i in $profiled; do "$here/Isoflop.Bench" card "$device" operations "$i" || code=1; done; return "${code:-0}"; }

# PyTorch's steps: the goals' sizes first, as a graph captured by hand or compiled.
torch() {
    python3 -c 'import torch; print(torch.__version__); assert torch.cuda.is_available()'
    while read -r mode shape; do
        echo "$mode $shape $(timeout --foreground 60 python3 "$here/torch_train.py" "cuda-$mode-bf16" 0 2 $shape | tail -1)"
    done << SHAPES
graph 256 128 64 2 2 192 16
compile 50304 1024 768 12 12 2048 32
compile 512 256 256 8 8 704 128
compile 256 128 64 2 2 192 16
graph 512 256 128 4 4 352 8
graph 512 256 256 8 8 704 128
compile 8192 512 512 8 8 1376 64
graph 256 128 64 2 2 192 512
compile 512 256 128 4 4 352 8
compile 50304 1024 1024 24 16 2752 16
SHAPES
}

ladder() {
    "$here/isoflop" ladder card --corpus world --budgets "$budgets" --seeds 1 --tune 0 --yes --device "$device" --home "$home"
}

run() {
    out=$(mkdir -p "$1" && cd "$1" && pwd) home=$(mktemp -d) minutes=${3:-6}
    trap 'rm -rf "$home"' EXIT
    : > "$out/summary.txt"
    if ! ldconfig -p 2> /dev/null | grep -q libcuda.so.1; then
        export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/usr/local/nvidia/lib64:/usr/local/nvidia/lib" PATH="$PATH:/usr/local/nvidia/bin"
    fi
    { nvidia-smi -q; uname -a; nproc; df -h /tmp; ldconfig -p | grep -E 'cuda|nccl'; env | grep -E 'CUDA|LD_|NVIDIA|HOME'; } > "$out/system.txt" 2>&1 || true
    export ISOFLOP_CARD="$device" ISOFLOP_HOME="$home" ISOFLOP_GOLDEN="$here/golden"
    export CUDA_CACHE_PATH="$home/nv" CUDA_CACHE_MAXSIZE=1073741824 CUDA_CACHE_DISABLE=0
    { corpus > "$out/corpus.txt" 2>&1; echo "$?" >> "$out/corpus.txt"; : > "$home/corpus-is-there"; } &
    part compile 45 sh "$here/gpu-check.sh" compile || true
    # Rates of a played card say nothing, and take it minutes.
    if [ -z "${ISOFLOP_PLAYED:-}" ] && ! part machine 20 sh "$here/gpu-check.sh" machine; then
        export ISOFLOP_PLAIN_CARD=clusters   # all that follows goes without blocks that share, or without what only 9.0 has
        part machine-clusters 20 sh "$here/gpu-check.sh" machine || { export ISOFLOP_PLAIN_CARD=1; part machine-plain 20 sh "$here/gpu-check.sh" machine; } || true
    fi
    tests CudaKernelTests 25
    tests CudaAttentionTests 20
    tests CudaCardTests 25
    tests CudaActivationTests 10
    [ "${ISOFLOP_PLAIN_CARD:-}" = 1 ] || tests WarpgroupProductTests 15
    part bits 40 sh "$here/gpu-check.sh" bits "$home/corpus-is-there" || true
    part ours 30 sh "$here/gpu-check.sh" ours || true
    [ "${ISOFLOP_PLAIN_CARD:-}" = 1 ] || { part products 15 "$here/Isoflop.Bench" card "$device" products; ISOFLOP_PLAIN_CARD=1 part plain 15 sh "$here/gpu-check.sh" plain; } || true
    part operations 15 sh "$here/gpu-check.sh" operations || true
    if python3 -c 'import importlib.util as u, sys; sys.exit(not u.find_spec("torch"))' 2> /dev/null; then
        part torch 50 sh "$here/gpu-check.sh" torch || true
    else
        echo "torch: not here" | tee -a "$out/summary.txt"
    fi
    part ladder 35 sh "$here/gpu-check.sh" ladder || true
    if [ -d "$home/studies/card" ]; then cp "$home"/studies/card/*.csv "$home"/studies/card/*.json "$out/" 2> /dev/null || true; fi
    tar -C "$out" -czf "$out/parts.tar.gz" --exclude=parts.tar.gz --exclude=libcuda.so.1 . 2> /dev/null || true
    for one in machine ours products torch; do [ ! -e "$out/$one.txt" ] || tail -n 20 "$out/$one.txt"; done
    ! grep -q FAILED "$out/summary.txt"
}

# What a card takes, and a played one.
device=${ISOFLOP_CARD:-cuda:0} home=${ISOFLOP_HOME:-}
if [ -n "${ISOFLOP_PLAYED:-}" ]; then
    bytes=2e5 valid=10000 width=16 layers=1 steps=12 batch=512 every=3 micro=256 profiled=8 measured=8 plainly=8 budgets=1e7..1e8
else
    bytes=2e7 valid=400000 width=256 layers=8 steps=120 batch=65536 every=10 micro=8192 profiled="2 4 6" measured="6 4 0 2 1 5 3 7" plainly="6 4 0" budgets=1e11..1e13
fi

case ${1:-} in
pack) pack "${2:?FILE.tar.xz}" ;;
run) device=${3:-cuda:0}; run "${2:?FOLDER}" "$device" "${4:-6}" ;;
played)
    mkdir -p "${2:?FOLDER}"
    cp "${3:?LIBRARY}" "$2/libcuda.so.1"
    LD_LIBRARY_PATH=$(cd "$2" && pwd) ISOFLOP_PLAYED=1 sh "$here/gpu-check.sh" run "$2" cuda:0 "${4:-6}" || code=$?
    rm -f "$2/libcuda.so.1"
    exit ${code:-0}
    ;;
ours) each 2 $measured ;;
plain) each 1 $plainly ;;
bits) bits "${2:-}" ;;
compile | machine | operations | torch | ladder) "$1" ;;
*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
