#!/bin/sh
# An agent: says each second that it lives. With a second argument it dies by itself after so many of them.
folder=$1
left=${2:-0}
echo $$ >"$folder/pid"
while :; do
  printf '{"at":%s,"pid":%s}' "$(date +%s)" "$$" >"$folder/beat.new" && mv -f "$folder/beat.new" "$folder/beat"
  [ "$left" = 1 ] && exit 1
  left=$((left - 1))
  sleep 1
done
