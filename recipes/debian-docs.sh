#!/bin/sh
# Unpacks three documentation packages of a Debian system into JSON lines that 'isoflop corpus' reads, a document a line:
# the kernel's documentation, the dictionary GCIDE, WordNet's glosses. Nothing is installed; root is not needed.
#
#   sh recipes/debian-docs.sh texts && isoflop corpus debian texts --vocab 512 --lossy \
#       --licence 'linux-doc: GPL-2; GCIDE: GPL-3; WordNet: WordNet licence'
#
# Needs apt-get (with 'apt-get update' done once), dpkg-deb, gzip and awk. The packages come from the configured mirror.
set -eu
out=${1:?"usage: sh recipes/debian-docs.sh FOLDER"}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir -p "$out"

fetch() {                                       # fetch PACKAGE: its files below $work/PACKAGE
    (cd "$work" && apt-get download -qq "$1" 2>&1 | grep -v unsandboxed || true)
    deb=$(ls "$work/$1"_*.deb 2>/dev/null | head -n 1)
    [ -n "$deb" ] || { echo "$1: could not be fetched; run 'apt-get update' and try again" >&2; exit 1; }
    dpkg-deb -x "$deb" "$work/$1"
    rm "$deb"
}

# One JSON line a document; documents come apart at lines that hold only \001.
json='function flush() { if (length(text) > 200) print "{\"text\":\"" text "\"}"; text = "" }
    /^\001$/ { flush(); next }
    { gsub(/\\/, "\\\\\\\\"); gsub(/"/, "\\\""); gsub(/\t/, " "); gsub(/\r/, ""); gsub(/[\001-\037]/, ""); text = text $0 "\\n" }
    END { flush() }'

fetch linux-doc-6.1
find "$work/linux-doc-6.1" -path '*/Documentation/*' -type f \( -name '*.rst*' -o -name '*.txt*' -o -name '*.yaml*' \) |
    grep -v /translations/ | LC_ALL=C sort | while read -r file; do
    printf '\001\n'
    gzip -cdf "$file"
    echo
done | LC_ALL=C awk "$json" > "$out/linux-doc.jsonl.part"
mv "$out/linux-doc.jsonl.part" "$out/linux-doc.jsonl"

fetch dict-gcide                                # an entry begins at the margin; some thirty make a document
gzip -cd < "$work/dict-gcide/usr/share/dictd/gcide.dict.dz" |
    LC_ALL=C sed -e '/^ *\[1913 Webster\( *+PJC\)*\] *$/d' -e '/^ *\[\(PJC\|WordNet [0-9.]*\|Webster 1913 Suppl.\)\] *$/d' |
    LC_ALL=C awk '/^[A-Za-z]/ && ++entries % 30 == 0 { print "\001" } { print }' |
    LC_ALL=C awk "$json" > "$out/gcide.jsonl.part"
mv "$out/gcide.jsonl.part" "$out/gcide.jsonl"

fetch wordnet-base                              # words: gloss
LC_ALL=C cat "$work"/wordnet-base/usr/share/wordnet/data.* | LC_ALL=C awk -F'[|]' '/^  / { next }
    { n = split($1, f, " "); count = 0; for (i = 1; i <= length(f[4]); i++)
          count = count * 16 + index("0123456789abcdef", substr(f[4], i, 1)) - 1
      words = f[5]; for (k = 1; k < count; k++) words = words ", " f[5 + 2 * k]
      gsub(/_/, " ", words); gsub(/^ +| +$/, "", $2)
      if (++entries % 30 == 0) print "\001"; print words ": " $2 }' |
    LC_ALL=C awk "$json" > "$out/wordnet.jsonl.part"
mv "$out/wordnet.jsonl.part" "$out/wordnet.jsonl"
ls -l "$out"
