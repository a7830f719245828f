"""docs/legacy.md is what the rules say today."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def script():
    path = ROOT / "scripts" / "legacy_docs.py"
    spec = importlib.util.spec_from_file_location("legacy_docs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date():
    assert (ROOT / "docs" / "legacy.md").read_text() == script().page(), "run: make docs"


def test_every_layer_has_a_row_and_a_fate():
    made = script()
    rows = [line.split(" | ") for line in made.page().splitlines() if line.startswith("| ")]
    fates = {row[0].removeprefix("| "): row[1] for row in rows if len(row) == 3}
    for name in made.LAYERS:
        assert fates[name].startswith(("native", "kport", "TensorFlow", "no")), name
    assert fates["LocallyConnected1D"] == "kport"
    assert fates["DenseFeatures"] == "no"
    assert fates["Dense"] == "native"
