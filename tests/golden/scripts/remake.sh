#!/usr/bin/env bash
# Make every golden file anew: remake.sh [VERSION ...], one file of requirements/ a version.
#
# Each version gets a virtual environment below $ENVS (default: a temporary folder), made with the
# Python its first line names; pyenv has them all. One that is there already is used as it is.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
envs=${ENVS:-$(mktemp -d)}
export HOME=$envs/home KERAS_HOME=$envs/home/.keras CUDA_VISIBLE_DEVICES=
mkdir -p "$KERAS_HOME"

versions=("$@")
if [ $# -eq 0 ]; then
    for file in "$here"/requirements/*.txt; do versions+=("$(basename "$file" .txt)"); done
fi
for version in "${versions[@]}"; do
    requirements=$here/requirements/$version.txt
    # The first line says: # python3.6 keras, or # python3.8 tf.keras; and the variables it needs.
    read -r _ python package variables <"$requirements"
    if [ ! -d "$envs/$version" ]; then
        "$python" -m venv "$envs/$version"
        "$envs/$version/bin/pip" install -q 'pip<24' 'wheel<0.38' 'setuptools<60'
        "$envs/$version/bin/pip" install -q --no-build-isolation -r "$requirements"
    fi
    echo "== $version"
    env GOLDEN_KERAS="$package" ${variables:-A=} \
        "$envs/$version/bin/python" "$here/make.py" "$here/../$version" 2>"$envs/$version.log" ||
        { tail -5 "$envs/$version.log" >&2; exit 1; }
done
