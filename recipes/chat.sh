#!/bin/sh
# A small model to chat with about the generated world and .NET's documentation: trained from nothing, then taught chats.
#
#   sh recipes/chat.sh && isoflop serve        then ask "chat" on its page, or: isoflop chat chat
#
# NAME, FLOPS of the first training, CHATS, PASSES over them; ISOFLOP, ISOFLOP_HOME, THREADS as in thinking.sh.
set -eu
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${THREADS:=0}"
: "${NAME:=chat}" "${FLOPS:=3e12}" "${CHATS:=40000}" "${PASSES:=2}"
with="--home $ISOFLOP_HOME --threads $THREADS"
mkdir -p "$ISOFLOP_HOME"
chats="$ISOFLOP_HOME/$NAME.jsonl" texts="$ISOFLOP_HOME/$NAME-texts.jsonl"
[ -f "$chats" ] || { $ISOFLOP corpus world --chats "$CHATS" $with > "$chats.part" && mv "$chats.part" "$chats"; }
# The same as plain texts, among the world's own: their words come into the vocabulary.
sed 's/{"messages":\[{"role":"user","content":"/{"text":"/; s/"},{"role":"[a-z]*","content":"/\\n/g; s/"}\]}$/"}/' "$chats" > "$texts"
$ISOFLOP corpus world "$NAME-world" --bytes 2e7 --vocab 2048 --mix "$texts=0.05" $with
$ISOFLOP train corpus="$NAME-world" name="$NAME-base" flops="$FLOPS" model.d_model=128 model.n_layer=3 model.n_head=4 \
    model.context_len=128 $with
$ISOFLOP teach name="$NAME" chat="$chats" from="$NAME-base" passes="$PASSES" context=128 $with
