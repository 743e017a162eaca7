#!/bin/sh
# Why did Kaplan et al. (2020) and Hoffmann et al. (2022) disagree on how a budget should be split? Three things that differed between
# them, one at a time, on runs of our own: which parameters N counts, a warm-up of fixed length, no decay to the run's own length.
#
#   sh recipes/kaplan-chinchilla.sh debian        (a corpus with a small vocabulary; recipes/debian-docs.sh makes this one)
#
# Prints the exponent of N*(C) with its interval for each. Pearce & Song 2024 (arXiv:2406.12907) and Porian et al. 2024
# (arXiv:2406.19146) did this at larger scale. Set ISOFLOP to the command when it is not on the path.
set -eu
corpus=${1:?"usage: sh recipes/kaplan-chinchilla.sh CORPUS"}
: "${ISOFLOP:=isoflop}"
ladder() {                                      # ladder NAME SETTING…
    name=$1
    shift
    cat > "$name.recipe.json" <<JSON
{ "name": "$name", "corpus": "$corpus", "settings": ["model.context_len=128"$(printf ', "%s"' "$@" | sed 's/, ""//')],
  "rungs": [{ "budgets": "3e10,1e11,3e11,1e12", "seeds": 2, "sizes": 5 }] }
JSON
    $ISOFLOP ladder "$name.recipe.json" --yes > /dev/null
}
ladder kc-chinchilla ""
ladder kc-warmup train.warmup_steps=500         # as long for a run of 400 updates as for one of 10,000
ladder kc-nodecay train.decay=0
for study in kc-chinchilla kc-warmup kc-nodecay; do
    for n in parameters_without_embedding parameters non_embedding; do
        echo "== $study, N = $n"
        $ISOFLOP fit "$study" --form iso-flop --n "$n"
    done
done
