#!/usr/bin/env bash
# Run the parts named: lint, plain (tests without a backend), tensorflow, jax,
# torch (tests on one), crossing (tests that start processes on all of them), lean-jax and
# lean-torch (what reads TensorFlow's files, on one backend where TensorFlow is not installed).
#
# All of them run even if one fails; the exit status says whether any did.
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

# Without this a missing backend would fail once for every test.
backend_tests() {
    "$bin/python" -c "import importlib.util as u, sys; sys.exit(u.find_spec('$1') is None)" || {
        echo "$1 is not installed in .venv; run: rm .venv/.stamp-setup && make setup" >&2
        return 1
    }
    KERAS_BACKEND=$1 "$bin/pytest" -q -m backend
}

lean_tests() {
    local lean=.venv-$1/bin
    if "$lean/python" -c 'import tensorflow' 2>/dev/null; then
        echo "TensorFlow is installed in .venv-$1; run: rm -r .venv-$1 && make test" >&2
        return 1
    fi
    KERAS_BACKEND=$1 "$lean/pytest" -q tests/compat/savedmodel tests/compat/tensorbundle \
        tests/compat/tfcheckpoint tests/compat/test_weights_only.py
}

for part in "$@"; do
    case $part in
        lint)
            run "ruff check" "$bin/ruff" check .
            run "ruff format" "$bin/ruff" format --check .
            run "mypy" "$bin/mypy"
            run "import contracts" "$bin/lint-imports" --no-logo
            ;;
        plain)
            run "tests without a backend" env -u KERAS_BACKEND \
                "$bin/pytest" -q -m "not backend" --ignore=tests/crossing
            ;;
        crossing) run "tests from each backend to each" "$bin/pytest" -q tests/crossing ;;
        lean-*) run "tests on ${part#lean-} without TensorFlow" lean_tests "${part#lean-}" ;;
        *) run "tests on $part" backend_tests "$part" ;;
    esac
done

printf '\n'
if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
echo "all of these passed: $*"
