#!/bin/sh
# Four optimisers on one ladder each: the learning rate tuned at every budget until its best lies between two others, then three
# seeds at that rate. Muon's own products are part of its budget. The duel says how much less compute each needs for AdamW's loss.
#
#   isoflop corpus world --bytes 1e8
#   sh recipes/optimisers.sh results/optimisers
#
# BUDGETS, SEEDS, OPTIMIZERS, CORPUS change the study; ISOFLOP, ISOFLOP_HOME, WORKERS as elsewhere. What is done is never done twice.
# results/optimisers is of BUDGETS=1e11,3e11,1e12,3e12,1e13,1e14 OPTIMIZERS=adamh; results/optimisers/second of the second dial, DECAY=0.2.
set -eu
out=${1:?"usage: sh recipes/optimisers.sh FOLDER"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${CORPUS:=world}" "${WORKERS:=1}" "${SEEDS:=3}"
: "${DECAY:=0.4}" "${BUDGETS:=1e10,3e10,1e11,3e11,1e12,3e12,1e13}" "${OPTIMIZERS:=muon adamh muonh}"
mkdir -p "$out"
for o in adamw $OPTIMIZERS; do
    cat > "$out/$o.json" <<JSON
{ "name": "duel.$o", "corpus": "$CORPUS", "settings": ["model.context_len=128", "train.decay=$DECAY", "train.optimizer=$o"],
  "tune": { "every_budget": true }, "rungs": [{ "budgets": "$BUDGETS", "seeds": $SEEDS, "sizes": 1 }] }
JSON
    $ISOFLOP ladder "$out/$o.json" --yes --workers "$WORKERS" --home "$ISOFLOP_HOME" > /dev/null
    cp "$ISOFLOP_HOME/studies/duel.$o/results.csv" "$out/$o.csv"
done
for o in $OPTIMIZERS; do
    $ISOFLOP duel duel.adamw "duel.$o" --svg "$out/$o.svg" --home "$ISOFLOP_HOME" | tee "$out/$o.txt"
done
