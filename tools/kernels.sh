#!/bin/sh
# Compiles the card's kernels, src/Isoflop.Cuda/Kernels/*.cu. Files that make kernels of each kind of operand are compiled twice.
#     sh tools/kernels.sh ptx [DIR] [ARCH]   PTX by clang-19, no CUDA SDK; default src/Isoflop.Cuda/Ptx, sm_80
#     sh tools/kernels.sh host FILE.so       the same for the host, as a driver with a card that the tests open
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
kernels=$root/src/Isoflop.Cuda/Kernels
common="-std=c++17 -ffp-contract=off -Wall -Werror"

each() {                                     # each COMMAND: COMMAND SOURCE NAME FLAGS for everything that is compiled, side by side
    running=""
    for source in "$kernels"/*.cu; do
        name=$(basename "$source" .cu)
        if grep -qE 'OPERAND_KERNEL|EACH_WIDTH' "$source"; then
            for operand in bf16 float; do
                "$1" "$source" "$name.$operand" "-DOPERAND=$operand" &
                running="$running $!"
            done
        else
            "$1" "$source" "$name" "" &
            running="$running $!"
        fi
    done
    for one in $running; do wait "$one"; done
}

ptx() {
    clang-19 -x cuda "--cuda-gpu-arch=$arch" --cuda-feature=+ptx80 --cuda-device-only -nocudainc -nocudalib -S -O3 -fno-unroll-loops \
        $common $3 "$1" -o "$out/$2.ptx"
}

host() {
    "$compiler" -x c++ -O2 -fPIC -fvisibility=hidden -Wno-unknown-pragmas $fma $common $3 -c "$1" -o "$out/$2.o"
}

case ${1:-} in
ptx)
    out=${2:-$root/src/Isoflop.Cuda/Ptx} arch=${3:-sm_80}
    mkdir -p "$out"
    each ptx
    ;;
host)
    compiler=$(command -v clang++-19 || command -v c++ || command -v g++) || { echo "no C++ compiler" >&2; exit 3; }
    fma=""
    if grep -qw fma /proc/cpuinfo 2>/dev/null; then fma=-mfma; fi
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    each host
    "$compiler" -x c++ -O2 -fPIC -fvisibility=hidden $common -I "$kernels" -c "$root/tests/Isoflop.Tests/Cuda/host_driver.cpp" -o "$out/driver.o"
    "$compiler" -shared -o "$out/all.so" "$out"/*.o -ldl -pthread
    mv "$out/all.so" "$2"
    ;;
*)
    sed -n 's/^# \{0,1\}//p' "$0" | sed 1d
    exit 2
    ;;
esac
