#!/bin/sh
# A small model to chat with about the generated world and .NET's documentation: trained from nothing, then taught chats.
#
#   sh recipes/chat.sh && isoflop serve        then ask "chat" on its page, or: isoflop chat chat
#
# NAME, FLOPS of the first training, CHATS, PASSES over them; ISOFLOP, ISOFLOP_HOME, THREADS as in thinking.sh.
set -eu
: "${ISOFLOP:=isoflop}" "${ISOFLOP_HOME:=./isoflop}" "${THREADS:=0}"
: "${NAME:=chat}" "${FLOPS:=1e13}" "${CHATS:=40000}" "${PASSES:=3}"
with="--home $ISOFLOP_HOME --threads $THREADS"
mkdir -p "$ISOFLOP_HOME"
chats="$ISOFLOP_HOME/$NAME.jsonl"
# The world's own texts, with a vocabulary that writes its words whole.
[ -d "$ISOFLOP_HOME/corpus/$NAME-world" ] || $ISOFLOP corpus world "$NAME-world" --bytes 2e7 --vocab 2048 $with
$ISOFLOP train corpus="$NAME-world" name="$NAME-base" flops="$FLOPS" model.d_model=128 model.n_layer=4 model.n_head=4 \
    model.context_len=128 $with
[ -f "$chats" ] || $ISOFLOP corpus world --chats "$CHATS" $with > "$chats"
$ISOFLOP teach name="$NAME" chat="$chats" from="$NAME-base" passes="$PASSES" context=128 $with
