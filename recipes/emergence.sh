#!/bin/sh
# Emergence as a distribution: many seeds at a few budgets around the break of one task. Does each run jump at a compute of its own,
# or do all move together?
#
#   sh recipes/emergence.sh results/emergence
#
# TASK, BUDGETS, SEEDS change the study; ISOFLOP, ISOFLOP_HOME, THREADS as in thinking.sh. What is done is never done twice. Writes
# seeds.csv (a row a run), from which the last command makes the table and pictures again.
set -eu
out=${1:?"usage: sh recipes/emergence.sh FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${THREADS:=1}" "${TASK:=parity:1}"
: "${BUDGETS:=5e9 7e9 1e10 1.4e10 2e10}" "${SEEDS:=32}"
name=$(echo "$TASK" | tr -c 'a-z0-9\n' '-')
mkdir -p "$out"
runs=
for flops in $BUDGETS; do
    s=1
    while [ "$s" -le "$SEEDS" ]; do
        run="$name.$flops.s$s"
        $ISOFLOP teach train.decay=0.2 name="$run" tasks="$TASK" think=1 trace=proof items=10000 valid_items=64 context=32 seed="$s" flops="$flops" \
            model.d_model=16 model.n_layer=2 model.n_head=2 train.learning_rate=0.01 train.batch_tokens=512 \
            --threads "$THREADS" --home "$ISOFLOP_HOME" > /dev/null 2>&1
        runs="$runs $run"
        s=$((s + 1))
    done
done
# shellcheck disable=SC2086
$ISOFLOP exam $runs --task "$TASK" --items 256 --replies 1 --max-new-tokens 24 --csv "$out/exam.csv" \
    --threads "$THREADS" --home "$ISOFLOP_HOME" > /dev/null
# A row a run: its greedy answers, its budget and seed out of its name.
awk -F, -v task="$name" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "task,flops,seed,accuracy,items,chance"; next }
    { n = split($at["run"], part, ".s"); flops = substr(part[1], length(task) + 2); for (i = 2; i < n; i++) flops = flops ".s" part[i]
      print task "," flops "," part[n] "," $at["greedy"] "," $at["items"] "," $at["chance"] }' "$out/exam.csv" > "$out/seeds.csv"
$ISOFLOP map --table "$out/seeds.csv" --folder "$out" --home "$ISOFLOP_HOME" > "$out/emergence.txt"

# How long a fall takes inside of a run: of the runs of the last budget, the FLOPs at which the training loss (means of 19 steps)
# is for the last time above 80, 50 and 20 % of its plateau, the median of the run's first sixth.
echo "seed,high,half,low" > "$out/falls.csv"
s=1
while [ "$s" -le "$SEEDS" ]; do
    sed 's/.*"loss":\([^,]*\),.*"flops":\([^,]*\),.*/\1 \2/' "$ISOFLOP_HOME/runs/$name.$flops.s$s/metrics.jsonl" |
        awk -v s="$s" '{ l[NR] = $1; c[NR] = $2 }
            END { n = int(NR / 6); for (i = 1; i <= n; i++) { v = l[i]; for (j = i - 1; j > 0 && o[j] > v; j--) o[j + 1] = o[j]; o[j + 1] = v }
                p = o[int((n + 1) / 2)]
                for (i = 1; i <= NR; i++) { m = k = 0; for (j = i - 9; j <= i + 9; j++) if (j > 0 && j <= NR) { m += l[j]; k++ }
                    m /= k; if (m > 0.8 * p) a = i; if (m > 0.5 * p) b = i; if (m > 0.2 * p) d = i }
                if (d < NR) print s "," c[a] "," c[b] "," c[d] }' >> "$out/falls.csv"
    s=$((s + 1))
done
sort -t, -k3 -g "$out/falls.csv" | awk -F, 'NR > 1 { n++; mid[n] = log($3) / log(10); wide[n] = log($4 / $2) / log(10) }
    END { for (i = 1; i <= n; i++) { v = wide[i]; for (j = i - 1; j > 0 && o[j] > v; j--) o[j + 1] = o[j]; o[j + 1] = v; sum += mid[i]; two += mid[i]^2 }
        printf "%d runs fall; each within %.2f decades (median), half way at %.1e to %.1e FLOPs, sd %.2f decades\n", n,
            o[int((n + 1) / 2)], 10^mid[1], 10^mid[n], sqrt((two - sum * sum / n) / (n - 1)) }' | tee -a "$out/emergence.txt"
