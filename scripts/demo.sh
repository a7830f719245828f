#!/usr/bin/env bash
# The main job of kport, start to end: a file that plain Keras 3 cannot load becomes a bundle and
# an archive, and both give on every backend what the old TensorFlow gave.
set -eu

old=examples/legacy/digits.h5
sample=examples/legacy/digits_sample.npz
out=build/demo
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1

rm -rf "$out"
for target in "$out/digits" "$out/digits.keras"; do
    echo "\$ kport convert $old $target --sample $sample"
    .venv/bin/kport convert "$old" "$target" --sample "$sample"
done
echo "\$ kport verify $old $out/digits $out/digits.keras --sample $sample"
.venv/bin/kport verify "$old" "$out/digits" "$out/digits.keras" --sample "$sample"
