#!/usr/bin/env bash
# Run the parts named: lint, plain (tests without a backend), tensorflow, jax,
# torch (tests on one), crossing (tests that start processes on all of them), lean-jax and
# lean-torch (what reads TensorFlow's files, on one backend where TensorFlow is not installed;
# on torch with the oldest Keras, and most of what models are made of as well).
#
# Several parts run two at a time (JOBS=1: one after another), the output of each as it ends. All of
# them run even if one fails; the exit status says whether any did.
set -u

bin=.venv/bin
export TF_CPP_MIN_LOG_LEVEL=3
failed=()

run() {
    local label=$1
    shift
    printf '\n== %s\n' "$label"
    "$@" || failed+=("$label")
}

# No cache: two parts at a time would write one.
tests() {
    "$1/pytest" -q -p no:cacheprovider "${@:2}"
}

# Without this a missing backend would fail once for every test.
backend_tests() {
    "$bin/python" -c "import importlib.util as u, sys; sys.exit(u.find_spec('$1') is None)" || {
        echo "$1 is not installed in .venv; run: rm .venv/.stamp-setup && make setup" >&2
        return 1
    }
    KERAS_BACKEND=$1 tests "$bin" -m backend
}

lean_tests() {
    local lean=.venv-$1/bin
    if "$lean/python" -c 'import tensorflow' 2>/dev/null; then
        echo "TensorFlow is installed in .venv-$1; run: rm -r .venv-$1 && make test" >&2
        return 1
    fi
    KERAS_BACKEND=$1 tests "$lean" tests/compat/savedmodel tests/compat/tensorbundle \
        tests/compat/tfcheckpoint tests/compat/test_weights_only.py
}

# What all models need. Keras's lookups need TensorFlow.
oldest_tests() {
    KERAS_BACKEND=torch tests .venv-torch/bin tests/components -k "not preprocessing" \
        tests/model/test_{auto_arguments,changes,custom_objects,freeze,keras_private}.py \
        tests/model/test_{load_weights,newer_keras,own_optimizers,parts,round_trip}.py \
        tests/model/test_{scenarios,sharing,untraced}.py
}

run_part() {
    case $1 in
        lint)
            run "ruff check" "$bin/ruff" check .
            run "ruff format" "$bin/ruff" format --check .
            run "mypy" "$bin/mypy"
            run "import contracts" "$bin/lint-imports" --no-logo
            ;;
        plain)
            unset KERAS_BACKEND
            run "tests without a backend" tests "$bin" -m "not backend" --ignore=tests/crossing
            ;;
        crossing) run "tests from each backend to each" tests "$bin" tests/crossing ;;
        lean-*)
            run "tests on ${1#lean-} without TensorFlow" lean_tests "${1#lean-}"
            [ "$1" = lean-jax ] || run "tests on the oldest Keras" oldest_tests
            ;;
        *) run "tests on $1" backend_tests "$1" ;;
    esac
    for label in "${failed[@]}"; do
        printf 'FAILED: %s\n' "$label"
    done
    [ ${#failed[@]} -eq 0 ]
}

if [ $# -eq 1 ]; then
    run_part "$1"
    exit
fi

# Each part is a run of this script, into a log that is shown in one piece.
logs=build/tests
mkdir -p "$logs"
part() {
    bash "$0" "$2" >"$1/$2.log" 2>&1 || mv "$1/$2.log" "$1/$2.failed"
    cat "$1/$2".*
}
export -f part
rm -f "$logs"/*
printf 'running: %s\n' "$*"
printf '%s\n' "$@" | xargs -P "${JOBS:-2}" -I{} bash -c 'part "$1" "$2"' "$0" "$logs" {}

printf '\n'
grep -h '^FAILED: ' "$logs"/*.failed 2>/dev/null && exit 1
ls "$logs"/*.failed 2>/dev/null && exit 1
echo "all of these passed: $*"
