#!/usr/bin/env bash
# Make a virtual environment: kport editable, CPU backends, the tools of the tests.
#
# One line a step. What pip says goes to build/setup.log; a failure gives one line that names it.
# Arguments: the stamp file to touch when all went well, in the environment's folder; then the
# backends, all three by default. Where fewer are named the tools for developers are left out, and
# TensorFlow must not come along by the back door. PyTorch alone gets the oldest Keras that
# pyproject.toml allows.
set -u

stamp=$1
shift
venv=${stamp%/*}
backends=("$@")
[ $# -gt 0 ] || backends=(tensorflow torch jax)
python=${PYTHON:-python3}
log=build/setup${venv#.venv}.log

fail() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

# What pip's log says about why it failed, in one sentence.
reason() {
    if grep -qE 'NewConnectionError|NameResolution|Max retries|ConnectTimeout|ProxyError|SSLError' "$log"; then
        echo "the package index cannot be reached; check the network or the pip settings"
    elif grep -q 'No space left on device' "$log"; then
        echo "the disk is full"
    elif grep -qE 'No matching distribution|Could not find a version|ResolutionImpossible' "$log"; then
        echo "the package index has no such version for this Python (requirements/cpu.txt pins them)"
    else
        grep -E '^ *(ERROR|error):' "$log" | tail -n 1 | grep . || echo "pip failed"
    fi
}

step() {
    local label=$1
    shift
    printf 'setup: %s\n' "$label"
    "$@" >"$log" 2>&1 </dev/null || fail "$label failed: $(reason) (see $log)"
}

command -v "$python" >/dev/null 2>&1 \
    || fail "no '$python' here; name a Python 3.11 or newer: make setup PYTHON=python3.12"
"$python" -c '' >/dev/null 2>&1 \
    || fail "'$python' does not run; name a Python 3.11 or newer: make setup PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || fail "$("$python" --version) is too old; name a Python 3.11 or newer: make setup PYTHON=python3.12"
mkdir -p build || fail "cannot make the folder build"
rm -f "$stamp"

# Another Python than last time: begin anew, compiled packages of one do not run on the other.
version='import sys; print(sys.version_info[:2])'
if [ "$("$venv/bin/python" -c "$version" 2>/dev/null)" != "$("$python" -c "$version")" ]; then
    step "virtual environment in $venv" "$python" -m venv --clear "$venv"
fi
pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 2
    --constraint requirements/cpu.txt)
for backend in "${backends[@]}"; do
    case $backend in
        tensorflow) step "TensorFlow (CPU) in $venv" "${pip[@]}" tensorflow-cpu ;;
        torch) step "PyTorch (CPU) in $venv" "${pip[@]}" torch ;;
        *) step "JAX in $venv" "${pip[@]}" "$backend" ;;
    esac
done
tools=test,dev,remote,report
[ ${#backends[@]} -eq 3 ] || tools=test
step "kport and its tools in $venv" "${pip[@]}" --editable ".[$tools]"
if [ "${backends[*]}" = torch ]; then
    oldest=$(sed -n 's/^ *"keras>=\([0-9.]*\)".*/\1/p' pyproject.toml)
    step "Keras $oldest, the oldest, in $venv" "$venv/bin/python" -m pip install --quiet \
        --disable-pip-version-check --retries 2 --no-deps "keras==$oldest"
fi
for backend in "${backends[@]}"; do
    step "Keras starts on $backend" env KERAS_BACKEND="$backend" TF_CPP_MIN_LOG_LEVEL=3 \
        "$venv/bin/python" -c 'import keras'
done
if [ ${#backends[@]} -ne 3 ] && "$venv/bin/python" -c 'import tensorflow' >/dev/null 2>&1; then
    fail "TensorFlow is installed in $venv, which exists to prove that nothing needs it"
fi
touch "$stamp"
