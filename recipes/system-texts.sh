#!/bin/sh
# Three kinds of text that most Debian systems have, as JSON lines that 'isoflop corpus' and 'isoflop mix' read, a file a line: Perl's
# library and manual, Python's library, the licences of installed packages. Nothing is fetched; longer files are cut at 60 kB.
#
#   sh recipes/system-texts.sh texts            makes texts/perl.jsonl, texts/python.jsonl, texts/licences.jsonl
set -eu
out=${1:?"usage: sh recipes/system-texts.sh FOLDER"}
mkdir -p "$out"
lines() {                                       # file names on stdin, a JSON line each on stdout
    LC_ALL=C awk '{
        file = $0; text = ""
        while ((getline line < file) > 0 && length(text) < 60000) {
            gsub(/\\/, "\\\\\\\\", line); gsub(/"/, "\\\"", line); gsub(/\t/, "    ", line); gsub(/\r/, "", line)
            gsub(/[\001-\037]/, "", line)
            text = text line "\\n"
        }
        close(file)
        if (length(text) > 500) print "{\"text\":\"" text "\"}"
    }' | { iconv -f utf-8 -t utf-8 -c || true; }
}
find -L /usr/share/perl -type f \( -name '*.pod' -o -name '*.pm' \) | LC_ALL=C sort | lines > "$out/perl.jsonl"
find -L /usr/lib/python3* -type f -name '*.py' | LC_ALL=C sort | lines > "$out/python.jsonl"
find -L /usr/share/doc -type f -name copyright | LC_ALL=C sort | lines > "$out/licences.jsonl"
wc -lc "$out"/*.jsonl
