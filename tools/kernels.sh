#!/bin/sh
# Compiles the card's kernels, src/Isoflop.Cuda/Kernels/*.cu. Files that make kernels of each kind of operand are compiled twice,
# those of heads once more for each width: a card then compiles what one model needs.
#     sh tools/kernels.sh ptx [DIR] [ARCH]   PTX by clang-19, no CUDA SDK; default src/Isoflop.Cuda/Ptx, sm_80 (*_hopper.cu: sm_90a)
#     sh tools/kernels.sh host FILE.so       the same for the host, as a driver with a card that the tests open
#     sh tools/kernels.sh text FILE.so DIR   such a driver of DIR/*.cpp, what the tests make of that PTX for the host; clang-19
#     sh tools/kernels.sh registers          what NVIDIA's assembler makes of that PTX for sm_80 and sm_90: registers and spilled bytes a kernel
#     sh tools/kernels.sh assembler FILE     fetches that assembler, ptxas 12.4, from Debian's non-free packages: 87 MB, apt-get and dpkg-deb
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
kernels=$root/src/Isoflop.Cuda/Kernels
tests=$root/tests/Isoflop.Tests/Cuda
common="-std=c++17 -ffp-contract=off -Wall -Werror"
fma=""                                       # of the host
if grep -qw fma /proc/cpuinfo 2>/dev/null; then fma=-mfma; fi

each() {                                     # each COMMAND: COMMAND SOURCE NAME FLAGS for everything that is compiled, side by side
    running=""
    for source in "$kernels"/*.cu; do
        name=$(basename "$source" .cu)
        if grep -q '^HEAD_KERNEL' "$source"; then
            for operand in bf16 float; do
                for width in 16 32 64 128; do
                    "$1" "$source" "$name.$width.$operand" "-DOPERAND=$operand -DHEAD=$width" &
                    running="$running $!"
                done
            done
        elif grep -q 'OPERAND_KERNEL' "$source"; then
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
    own=$arch
    case $2 in *_hopper) own=sm_90a ;; esac  # what no other card has
    clang-19 -x cuda "--cuda-gpu-arch=$own" --cuda-feature=+ptx80 --cuda-device-only -nocudainc -nocudalib -S -O3 -fno-unroll-loops \
        $common $3 "$1" -o "$out/$2.ptx"
}

host() {
    "$compiler" -x c++ -O2 -fPIC -fvisibility=hidden -Wno-unknown-pragmas $fma $common $3 -c "$1" -o "$out/$2.o"
}

# All that was compiled, with a driver's functions.
driver() {
    "$compiler" -x c++ -O2 -fPIC -fvisibility=hidden $common -I "$kernels" -c "$tests/host_driver.cpp" -o "$out/driver.o"
    "$compiler" -shared -o "$out/all.so" "$out"/*.o -ldl -pthread
    mv "$out/all.so" "$1"
}

# As CardContext.Ptx gives the text to a card whose kernels overlap.
overlap='s/\.target sm_80/.target sm_90/; s|// griddepcontrol|griddepcontrol.wait; griddepcontrol.launch_dependents;|'

registers() {                                # what it says beside is an error, such as products that run one after another
    assembler=${PTXAS:-$(command -v ptxas)} || { echo "no ptxas: set PTXAS, or 'sh tools/kernels.sh assembler FILE'" >&2; exit 3; }
    room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    for arch in sm_80 sm_90; do
        for text in "$root"/src/Isoflop.Cuda/Ptx/*.ptx; do
            own=$arch
            case $text in *_hopper.ptx) [ $arch = sm_90 ] || continue; own=sm_90a ;; esac
            if [ $arch = sm_80 ]; then cat "$text"; else sed "$overlap" "$text"; fi > "$room/text.ptx"
            said=$("$assembler" -arch=$own -v -o /dev/null "$room/text.ptx" 2>&1) || { echo "$text: $said" >&2; exit 1; }
            echo "$said" | awk -v arch=$own -v of="$(basename "$text")" "$awk_registers" || exit 1
        done
    done
}

awk_registers='
    /Compiling entry function/ { split($0, part, "\047"); name = part[2]; next }
    /bytes stack frame/ { spilled = $5; next }
    /Used [0-9]+ registers/ { for (i = 1; i < NF; i++) if ($i == "Used") printf "%s %s: %s registers, %s bytes spilled\n", arch, name, $(i + 1), spilled; next }
    /bytes gmem|Function properties/ { next }
    { print of ": " $0 > "/dev/stderr"; wrong = 1 }
    END { exit wrong }'

assembler() {
    room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    mkdir -p "$room/lists/partial" "$room/cache/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie non-free" > "$room/sources.list"
    fetch() {
        apt-get -qq -o Dir::Etc::sourcelist="$room/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$room/lists" \
            -o Dir::Cache="$room/cache" -o APT::Sandbox::User=root "$@"
    }
    fetch update
    (cd "$room" && fetch download nvidia-cuda-toolkit)
    dpkg-deb --fsys-tarfile "$room"/nvidia-cuda-toolkit_*.deb | tar -x -O -f - ./usr/bin/ptxas > "$1.part"
    chmod +x "$1.part"
    mv "$1.part" "$1"
    "$1" --version | tail -1
}

case ${1:-} in
registers) registers ;;
assembler) assembler "${2:?FILE}" ;;
ptx)
    out=${2:-$root/src/Isoflop.Cuda/Ptx} arch=${3:-sm_80}
    mkdir -p "$out"
    each ptx
    ;;
host)
    compiler=$(command -v clang++-19 || command -v c++ || command -v g++) || { echo "no C++ compiler" >&2; exit 3; }
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    each host
    driver "$2"
    ;;
text)
    compiler=$(command -v clang++-19) || { echo "no clang-19" >&2; exit 3; }
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    ls -S "$3"/*.cpp | xargs -P "$(nproc)" -I {} sh -c 'out=$1; shift; exec "$@" -o "$out/$(basename {} .cpp).o" -c {}' - "$out" \
        "$compiler" -w -O1 -fPIC -fvisibility=hidden -fwrapv $fma $common -I "$kernels" -I "$tests"
    driver "$2"
    ;;
*)
    sed -n '1d; /^set -eu/q; s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
