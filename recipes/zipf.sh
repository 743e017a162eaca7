#!/bin/sh
# Does the loss's exponent follow from the data's? Worlds of invented villages alone, the village of rank k heard as often as
# k^-s, and a short ladder on each. If facts are learned in the order of their frequency (Michaud et al. 2023, arXiv:2303.13506:
# p_k ~ k^-(1+a), here a = s - 1), what is left of the loss above the generator's entropy falls as N^-a, as D^-(a/(1+a)), and,
# split best, as C^-(a/(2+a)); s = 1 leaves no power law at all. Written before the first run.
#
#   sh recipes/zipf.sh [FOLDER]        tables and fits go to FOLDER; 6e13 FLOPs
set -eu
isoflop=${ISOFLOP:-isoflop}
home=${ISOFLOP_HOME:-./isoflop}
out=${1:-results/zipf}
mkdir -p "$out"
weights=""
for task in grammar meaning knowledge.1 knowledge.2 knowledge.3 knowledge.4 opinion translation rooms sums decimals exam; do
    weights="$weights --weight $task=0"
done
for s in 1 1.25 1.5 2; do
    name=zipf-$s
    # shellcheck disable=SC2086
    $isoflop corpus world "$name" --zipf "$s" --facts 65536 --bytes 40000000 $weights
    $isoflop ladder "$name" model.context_len=128 --corpus "$name" --budgets 1e10,3.16e10,1e11,3.16e11,1e12 \
        --sizes 3 --seeds 3 --tune 3e10 --yes
    floor=$(tr -d ' \n' < "$home/corpus/$name/corpus.json" | sed 's/.*"tag_entropies":\[\([^],]*\).*/\1/')
    awk -F, -v OFS=, -v floor="$floor" '
        NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i; print "budget,n,d,flops,seed,loss,excess"; next }
        $col["law"] == "true" { print $col["budget"], $col["parameters_without_embedding"], $col["tokens"], $col["flops"], $col["seed"],
            $col["loss"], $col["loss"] - floor }' "$home/studies/$name/results.csv" > "$out/$name.csv"
    # The best size of each budget, by its mean over the seeds.
    awk -F, -v OFS=, 'NR == 1 { print; next }
        { key = $1 FS $2; sum[key] += $7; count[key]++; line[NR] = $0; of[NR] = key }
        END {
            for (k in sum) { split(k, p, FS); m = sum[k] / count[k]; if (!(p[1] in best) || m < best[p[1]]) { best[p[1]] = m; size[p[1]] = k } }
            for (i = 2; i <= NR; i++) { split(of[i], p, FS); if (size[p[1]] == of[i]) print line[i] }
        }' "$out/$name.csv" > "$out/$name.best.csv"
    {
        echo "== s = $s, generator's entropy $floor nats a token"
        echo "excess over compute, best sizes, from 3e10 on"
        $isoflop fit --table "$out/$name.best.csv" --form power-law --x flops --y excess --seeds seed --where 'budget>2e10'
        echo "excess over N and D, from 3e10 on"
        $isoflop fit --table "$out/$name.csv" --form kaplan --n n --d d --c flops --loss excess --seeds seed --where 'budget>2e10'
    } > "$out/$name.txt"
done
