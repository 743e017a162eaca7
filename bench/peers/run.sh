#!/bin/sh
# Ours and the peers on the same work; writes bench/results/<cpu>-<its family>-<instruction set>.md.
#     sh bench/peers/run.sh [THREADS [SECONDS [ROUNDS]]]
# PyTorch: the first of $PYTHON, python3 and /usr/bin/python3 that imports torch. Debian's wants a fast BLAS beside it:
#     apt-get install python3-torch libopenblas0-openmp && apt-get remove libopenblas0-pthread
# (the latter's threads and OpenMP's would wait for each other: a third to a half of the rate)
# llama.cpp: LLAMA_MODULES names a folder where this was done; without it generation is left out:
#     npm i --ignore-scripts --omit=optional node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1
# A machine without an SDK: carry bench/peers and a publish there (90 MB, packed 30 by xz), and name its folder in $BENCH:
#     dotnet publish bench/Isoflop.Bench -c Release -r linux-x64 --self-contained -o publish && tar cJf bench.txz publish bench/peers
set -eu
cd "$(dirname "$0")/../.."
for python in "${PYTHON:-python3}" python3 /usr/bin/python3; do
    "$python" -c 'import torch' 2> /dev/null && break
done
if [ -n "${BENCH:-}" ]; then bench=$BENCH/Isoflop.Bench
else
    dotnet build bench/Isoflop.Bench -c Release -v quiet --nologo
    bench=bench/Isoflop.Bench/bin/Release/net10.0/Isoflop.Bench
fi
mkdir -p bench/results
cpu=$(sed -nE 's/^(model name|cpu family)[^:]*: *//p' /proc/cpuinfo | head -2 | sort -r | tr -cs 'A-Za-z0-9' '-')   # cloud machines share names
exec "$bench" peers "${1:-$(nproc)}" "${2:-5}" "${3:-3}" "$python" bench/peers "${LLAMA_MODULES:-}" \
    "bench/results/$cpu$("$bench" set).md"
