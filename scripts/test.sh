#!/usr/bin/env bash
# Run the parts named: lint, plain (tests without a backend), tensorflow, jax,
# torch (tests on one), crossing (tests that start processes on all of them).
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
        *) run "tests on $part" backend_tests "$part" ;;
    esac
done

printf '\n'
if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
echo "all of these passed: $*"
