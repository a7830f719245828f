"""Promises about the repository as a whole."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import kport

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "kport").rglob("*.py")) + sorted((ROOT / "compat").rglob("*.py"))
PACKAGES = sorted(path for path in SOURCES if path.name == "__init__.py" and path.stat().st_size)
DIGITS = "examples/legacy/digits.h5"

LOADED = """
import sys
heavy = {"tensorflow", "jax", "torch", "keras"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""
NO_EXIT = """
import contextlib, io
from kport.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main({arguments!r})
"""


def short(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize(
    "code",
    [
        "import kport",
        "import kport; kport.errors; kport.Sample; kport.LoadReport; kport.KportError",
        "import kport.formats",
        f"import kport; kport.inspect({DIGITS!r})",
        NO_EXIT.format(arguments=["inspect", DIGITS, "--json"]),
        f"import kport; kport.diff({DIGITS!r}, {DIGITS!r})",
        NO_EXIT.format(arguments=["diff", DIGITS, DIGITS]),
        NO_EXIT.format(arguments=["--help"]),
        NO_EXIT.format(arguments=["convert", DIGITS, "x.keras", "--dry-run"]),
    ],
)
def test_neither_keras_nor_a_backend_is_imported(run_python, code):
    assert run_python(code + "\n" + LOADED) == "[]\n"


def test_importing_kport_imports_nothing_else_of_it(run_python):
    code = "import kport, sys; print([name for name in sys.modules if name.startswith('kport.')])"
    assert run_python(code) == "[]\n"


def test_every_public_name_is_there():
    assert sorted(dir(kport)) == sorted(kport.__all__)
    for name in kport.__all__:
        assert getattr(kport, name) is not None


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'kport' has no attribute 'no_such_name'"):
        kport.no_such_name  # noqa: B018  # reading it is the test


def test_every_lazy_name_is_imported_for_type_checkers_and_found_in_its_room():
    tree = ast.parse((ROOT / "kport" / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    places = {
        name.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    modules = ["callbacks", "errors", "testing"]
    assert [places.pop(name) for name in modules] == ["kport"] * 3
    assert places == kport._ROOMS
    assert sorted([*places, *modules, "__version__"]) == sorted(kport.__all__)


@pytest.mark.parametrize("path", PACKAGES, ids=short)
def test_all_names_only_what_the_package_has(path):
    tree = ast.parse(path.read_text())
    has, listed = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            listed = ast.literal_eval(node.value)
        elif isinstance(node, ast.ImportFrom):
            has |= {name.asname or name.name for name in node.names}
        elif isinstance(node, ast.Assign):
            has |= {ast.unparse(target) for target in node.targets}
        elif isinstance(node, ast.AnnAssign):
            has.add(ast.unparse(node.target))
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            has.add(node.name)
    assert set(listed) <= has
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_modules_and_functions_stay_small(path):
    text = path.read_text()
    assert text.count("\n") < 300
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 50
    ]
    assert long == []


def test_modules_are_private_and_said_to_be_typed():
    public = {path for path in SOURCES if not path.name.startswith("_")}
    # errors is one tree on one page; each backend is a file named for it.
    named = {ROOT / "kport" / "errors.py", *(ROOT / "kport" / "model" / "backends").glob("*.py")}
    assert public <= named
    assert (ROOT / "kport" / "py.typed").exists()


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == "kport/__init__.py"
    assert kport.__version__ in (ROOT / "CHANGELOG.md").read_text()


def test_what_the_setup_pins_is_what_the_project_asks_for():
    pins = (ROOT / "requirements" / "cpu.txt").read_text().splitlines()
    lines = [line for line in pins if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in lines)
    assert lines == sorted(lines)


def readme_sessions():
    text = (ROOT / "README.md").read_text()
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.S | re.M)


def test_the_readme_has_one_session():
    assert len(readme_sessions()) == 1


@pytest.mark.backend
def test_the_readme_session_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (session,) = readme_sessions()
    exec(compile(session, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102  # our own page
    assert (tmp_path / "mlp.keras").is_file()


def test_every_command_of_the_readme_is_there():
    text = (ROOT / "README.md").read_text()
    shell = "".join(re.findall(r"^```sh\n(.*?)^```", text, flags=re.S | re.M))
    commands = set(re.findall(r"^kport (\w+)", shell, flags=re.M))
    commands |= set(re.findall(r"`kport (\w+)[^`]*`", text))
    assert commands == {"convert", "diff", "inspect", "migrate", "verify"}
    targets = set(re.findall(r"`?make (\w+)", text))
    assert targets <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.M))
