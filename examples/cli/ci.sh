#!/usr/bin/env bash
# Captions one recording with --once and another one by watching, and checks the results.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cp "$here/../../tests/audio/jfk.wav" "$here/../../tests/audio/manifest.json" "$folder"
cp "$folder/manifest.json" "$folder/broken.mp3"
python "$here/captions_beside.py" "$folder" --once
grep -q "ask not" "$folder/jfk.vtt"
test ! -e "$folder/broken.vtt"

python "$here/captions_beside.py" "$folder" &
watcher=$!
cp "$here/../../tests/audio/go_forward.ogg" "$folder"
for _ in $(seq 60); do
    test -e "$folder/go_forward.vtt" && break
    sleep 1
done
kill "$watcher"
grep -qi "go forward" "$folder/go_forward.vtt"
