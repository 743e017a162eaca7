#!/bin/sh
# Ours and the peers on the same work; writes bench/results/<cpu>.md.
#     sh bench/peers/run.sh [THREADS [SECONDS [ROUNDS]]]
# Python: the first of $PYTHON, python3 and /usr/bin/python3 that imports torch (Debian: apt-get install python3-torch).
set -eu
cd "$(dirname "$0")/../.."
for python in "${PYTHON:-python3}" python3 /usr/bin/python3; do
    "$python" -c 'import torch' 2> /dev/null && break
done
dotnet build bench/Isoflop.Bench -c Release -v quiet --nologo
mkdir -p bench/results
cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -1 | tr -cs 'A-Za-z0-9\n' '-')
set=$(bench/Isoflop.Bench/bin/Release/net10.0/Isoflop.Bench set)
exec bench/Isoflop.Bench/bin/Release/net10.0/Isoflop.Bench peers "${1:-$(nproc)}" "${2:-5}" "${3:-3}" \
    "$python" bench/peers "bench/results/$cpu-$set.md"
