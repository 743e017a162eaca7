#!/bin/sh
# Two questions about data, on runs of our own.
#
#   sh recipes/system-texts.sh texts && sh recipes/data.sh texts/perl.jsonl texts/python.jsonl
#
# 1. Is it better to train a general model on for a domain than to train on the domain from scratch? One model on GENERAL, then at
#    each of three budgets: from its last checkpoint on DOMAIN (from_mode=fork: its weights and moments, a schedule of its own), and
#    from scratch on DOMAIN with the same shape and the same FLOPs; at last from scratch with the FLOPs of the general run as well.
# 2. What is repeated text worth against fresh text? The same budget on a small part of DOMAIN, passed over again and again, on the
#    rest, read once, and on mixtures of both; the loss is taken on held-out text of both alike.
#
# Finished runs are never repeated. Set ISOFLOP to the command when it is not on the path, ISOFLOP_HOME to the home.
set -eu
general=${1:?"usage: sh recipes/data.sh GENERAL DOMAIN, two files of JSON lines"}
domain=${2:?"usage: sh recipes/data.sh GENERAL DOMAIN, two files of JSON lines"}
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}"
shape="model.d_model=48 model.context_len=128 train.batch_tokens=1024"
iso() { verb=$1; shift; $ISOFLOP "$verb" "$@" --home "$ISOFLOP_HOME" 2> /dev/null; }
train() { iso train "$@" | grep loss; }               # its first line: run, loss, FLOPs of the model from its start

iso corpus data-general "$general" --vocab 512 > /dev/null
iso corpus data-domain "$domain" --tokenizer "$ISOFLOP_HOME/corpus/data-general" > /dev/null

echo "== 1. held-out loss on the domain: trained on from the general model, and from scratch"
train corpus=data-general flops=1e12 name=data-general $shape
step=$(ls "$ISOFLOP_HOME/runs/data-general" | sed -n 's/^step-0*//p' | sort -n | tail -n 1)
for flops in 1e11 3e11 1e12; do
    for seed in 1 2; do
        train from="data-general@$step" from_mode=fork corpus=data-domain flops=$flops seed=$seed \
            name=data-continued.$flops.s$seed
        train corpus=data-domain flops=$flops seed=$seed name=data-scratch.$flops.s$seed $shape
    done
done
for seed in 1 2; do train corpus=data-domain flops=2e12 seed=$seed name=data-scratch.2e12.s$seed $shape; done

echo "== 2. repeated text against fresh text"
for every in 25 100; do
    parts=$ISOFLOP_HOME/data-parts.$every              # beside the runs: a corpus remembers where its text lay
    mkdir -p "$parts"
    awk -v n=$every -v part="$parts/part.jsonl" -v rest="$parts/rest.jsonl" '{ print > (NR % n ? rest : part) }' "$domain"
    iso mix data-repeat.$every --sources part="$parts/part.jsonl" rest="$parts/rest.jsonl" --budget 3e11 --mixtures 4 --scale 0 --yes
done
