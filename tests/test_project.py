"""The project as a whole: its files agree with each other, its floors hold, it runs without a network."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tools import owner

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

#: The floors of the house from the ground up: a room imports only from its own floor and those below.
FLOORS = (
    {"errors", "style", "words", "pictures"},
    {"families", "datasets", "expression", "columns", "habits", "notebook", "showing"},
    {"spec", "grammar"},
    {"formula", "frames"},
    {"transforms"},
    {"terms"},
    {"response"},
    {"design"},
    {"engine"},
    {"results"},
    {"notices"},
    {"inference"},
    {"printing"},
    {"report"},
    {"fits"},
    {"models", "planning"},
    {"bayes"},
    {"views"},
    {"plots"},
    {"widgets", "check"},
    {"answers"},
    {"course"},
)
HEIGHT = {name: floor for floor, rooms in enumerate(FLOORS) for name in rooms}

#: No longer than this, so that a function fits on a screen and a file in a reader's head.
LONGEST_FUNCTION, LONGEST_FILE = 40, 500


def requirements(lines):
    return {r.name.replace("_", "-"): r for r in map(Requirement, lines)}


def tracked(*patterns):
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


# ---- what is installed -----------------------------------------------------------------------------


def test_every_dependency_has_a_lower_bound_and_no_address():
    everything = PROJECT["dependencies"] + [line for extra in EXTRAS.values() for line in extra]
    for name, requirement in requirements(everything).items():
        assert any(s.operator == ">=" for s in requirement.specifier), name
        assert requirement.url is None, name


def test_the_package_imports_nothing_it_does_not_declare():
    declared = {name.replace("-", "_") for name in requirements(PROJECT["dependencies"])}
    declared |= {"IPython", "traitlets", "PIL"}  # with ipywidgets, with matplotlib
    optional = {
        "maketables",
        "pymc",
        "arviz",
        "voila",
        "jupyter_server",
        "tornado",
        "psutil",
        "segno",
        "nbformat",
        "sphinx",
    }  # each asked for where it is used, by name
    for path in (ROOT / "mlmkit").rglob("*.py"):
        foreign = {m.partition(".")[0] for m in imported(path)} - set(sys.stdlib_module_names)
        assert foreign <= declared | optional | {"mlmkit"}, path


def test_conda_asks_for_what_pyproject_asks_for():
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    conda = [line.strip().removeprefix("- ") for line in lines if re.match(r"  - [\w-]+>=", line)]
    wanted = requirements(PROJECT["dependencies"] + EXTRAS["course"] + EXTRAS["lecture"])
    for asked in map(Requirement, conda):
        assert asked.specifier == wanted[asked.name].specifier, asked
    (python,) = (line.removeprefix("  - python=") for line in lines if line.startswith("  - python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{python}.0")
    assert "      - -e .[course,lecture]" in lines  # pip brings all the rest, at pyproject's bounds


@pytest.mark.parametrize("python", PYTHONS)
def test_constraints_pin_every_direct_dependency_within_its_bounds(python):
    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
    chosen = {}
    for pin in pins:
        if pin.marker is None or pin.marker.evaluate(environment):
            assert pin.name not in chosen, pin
            chosen[pin.name] = str(pin.specifier).removeprefix("==")
    extras = (EXTRAS[name] for name in ("course", "lecture", "site", "test"))
    asked = requirements(PROJECT["dependencies"] + [line for extra in extras for line in extra])
    for name, requirement in asked.items():
        assert name in chosen and requirement.specifier.contains(chosen[name]), name


# ---- how the house is built ------------------------------------------------------------------------


def imported(path: Path, package: str = "") -> set[str]:
    """What a file imports: modules, and from modules of its own package, where that is given, names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module)
        elif isinstance(node, ast.ImportFrom) and package:
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            origin = ".".join([*base, node.module] if node.module else base)
            found |= {f"{origin}.{alias.name}" for alias in node.names}
    return found


def room(module: str) -> str:
    """The room of a module of the package: `engine` for `mlmkit.engine.nested`."""
    return ([*module.split("."), ""])[1]


def module_files() -> list[tuple[str, Path]]:
    """(room, file) of every module of the package but its face and its command."""
    face = {ROOT / "mlmkit" / name for name in ("__init__.py", "__main__.py")}
    files = [path for path in (ROOT / "mlmkit").rglob("*.py") if path not in face]
    return [(path.relative_to(ROOT / "mlmkit").with_suffix("").parts[0], path) for path in files]


def test_a_room_imports_only_from_its_floor_and_below():
    for name, path in module_files():
        assert name in HEIGHT, f"{name} has no floor: give it one"
        package = ".".join(path.relative_to(ROOT).with_suffix("").parts[:-1])
        for module in imported(path, package):
            if module.startswith("mlmkit.") and room(module) in HEIGHT:
                assert HEIGHT[room(module)] <= HEIGHT[name], f"{path.name} imports {module} from above"


def verbs() -> dict[str, int]:
    """For every method that a fit or a posterior gets from a room above its record: that room's floor."""
    from mlmkit.bayes.posterior import Posterior
    from mlmkit.fits import FlatFit, MixedFit

    found: dict[str, int] = {}
    for kind in (FlatFit, MixedFit, Posterior):
        for name in dir(kind):
            home = getattr(getattr(kind, name), "__module__", None) or ""
            if not name.startswith("_") and home.startswith("mlmkit.") and room(home) != "results":
                found[name] = min(HEIGHT[room(home)], found.get(name, len(FLOORS)))
    return found


#: What a room means by a name that is a verb's, too: `rule.nodes` is a number, `self.power` reads a power.
CALLED_ALIKE = {
    ("engine", "nodes"),
    ("engine", "r2"),
    ("grammar", "check"),
    ("grammar", "power"),
    ("notices", "nodes"),
    ("style", "update"),
    ("transforms", "power"),
}


def verbs_asked_for(source: str) -> list[tuple[str, str]]:
    """Every attribute that some code asks for, of whatever object, called or not: its name, and the expression."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            found.append((node.attr, ast.unparse(node)))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "methodcaller"):
            found += [
                (str(one.value), ast.unparse(node)) for one in node.args if isinstance(one, ast.Constant)
            ]
    return found


def test_no_room_calls_a_fits_method_that_is_written_above_it():
    floors = verbs()
    assert floors["confint"] == HEIGHT["inference"]
    for name, path in module_files():
        for verb, text in verbs_asked_for(path.read_text(encoding="utf-8")):
            if verb in floors and (name, verb) not in CALLED_ALIKE:
                assert floors[verb] <= HEIGHT[name], f"{text} in {path.name} asks a room above"


@pytest.mark.parametrize(
    "call",
    [
        "fit.summary()",
        "study.fit.summary()",
        "self.fit.summary",
        "getattr(it, 'summary')()",
        "map(f.summary, x)",
    ],
)
def test_a_verb_is_seen_however_it_is_asked_for(call):
    assert "summary" in [verb for verb, _ in verbs_asked_for(call)]


def arrows() -> dict[str, set[str]]:
    """For every module and package of the kit the others that it imports, or from which it imports a name."""
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for _, path in module_files()}
    names = {name.removesuffix(".__init__") for name in files}
    found = {}
    for name, path in files.items():
        asked = imported(path, name.rpartition(".")[0])
        homes = {one if one in names else one.rpartition(".")[0] for one in asked}
        found[name.removesuffix(".__init__")] = homes & names - {name.removesuffix(".__init__")}
    return found


def test_no_modules_import_each_other_in_a_circle():
    found = arrows()
    assert "mlmkit.engine" in found["mlmkit.models"]  # a name from a package
    assert "mlmkit.widgets.films" in found["mlmkit.course.book"]  # a module from a package
    TopologicalSorter(found).prepare()  # raises CycleError, which names the circle


def test_functions_and_files_stay_short():
    for _, path in module_files():
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= LONGEST_FILE, f"{path.name} has {text.count(chr(10))} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                documented = ast.get_docstring(node) is not None
                start = node.body[0].end_lineno + 1 if documented else node.lineno
                assert node.end_lineno - start + 1 <= LONGEST_FUNCTION, f"{node.name} in {path.name} is long"


def test_the_guide_shows_the_house_floor_by_floor():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    house = guide.partition("## The house")[2].partition("One idea carries it")[0]
    blocks = [set(re.findall(r"^    mlmkit/(\w+)", block, re.MULTILINE)) for block in house.split("\n\n")]
    assert tuple(block for block in reversed(blocks) if block) == FLOORS


def test_every_room_has_its_tests():
    rooms = {p.stem for p in (ROOT / "mlmkit").iterdir() if p.name[0] not in "_." and p.suffix in ("", ".py")}
    tested = {p.stem.removeprefix("test_") for p in (ROOT / "tests").iterdir()}
    tested |= {
        "spec",
        "results",
        "notices",
        "fits",
        "pictures",
    }  # test_formula, test_models and test_printing build them
    assert rooms - tested - {"errors"} == set()


FITTED_WITHOUT = (
    "matplotlib",
    "seaborn",
    "ipywidgets",
    "IPython",
    "mici",
    "scipy.stats",
    "scipy.optimize",
    "arviz_stats",
)


def test_a_script_that_only_fits_imports_nothing_that_draws_or_samples():
    script = (
        "import sys, mlmkit as mk\n"
        "print(mk.lmer('Reaction ~ Days + (Days|Subject)', mk.load_data('sleepstudy')).summary())\n"
        f"print([name for name in {FITTED_WITHOUT} if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[-1] == "[]"


def test_the_public_face_is_whole():
    import mlmkit as mk

    assert set(mk.__all__) <= set(dir(mk))
    assert all(getattr(mk, name) is not None for name in mk.__all__)
    assert callable(mk.check) and callable(mk.summary) and callable(mk.lmer)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ('fit = mk.lmer("y ~ x + (1|g)", data)\nfit.', "confint"),
        ('mk.glmer("y ~ x + (1|g)", data).', "power"),
        ('posterior = mk.brm("y ~ x + (1|g)", data)\nposterior.', "draws"),
        ('mk.equation("y ~ x").', "latex"),
        ("mk.plots.", "shrinkage"),
    ],
)
def test_an_editor_completes_what_has_not_run_yet(code, name):
    """Each name of the face is imported "as" itself, since jedi follows only those through a stub."""
    jedi = pytest.importorskip("jedi")  # comes with IPython
    found = jedi.Script(f"import mlmkit as mk\n{code}").complete()
    assert name in {completion.name for completion in found}


# ---- what it must not hold -------------------------------------------------------------------------


def test_no_address_that_a_page_or_an_installer_would_fetch_from():
    """The course works without a network: no content delivery network, no registry, no lock file."""
    hosts = r"cdn\.|cdnjs|jsdelivr|unpkg\.com|googleapis|pythonhosted|pypi\.org|anaconda\.org|registry\.npmjs"
    for path in tracked():
        if path.suffix in (".png", ".webp", ".svg") or path == Path(__file__):
            continue
        if path.is_relative_to(ROOT / "docs/_static/mathjax"):
            continue  # as its authors publish it; tests/browser/test_site.py watches that it asks for nothing
        assert not re.search(hosts, path.read_text(encoding="utf-8")), path
    assert not tracked("uv.lock", "*.lock", "package-lock.json")


def test_every_address_of_the_project_names_the_same_owner():
    (mine,) = owner.owners(PROJECT["urls"]["Repository"])
    for path in owner.files():
        if path not in (Path(__file__), Path(owner.__file__)):
            assert owner.owners(path.read_text(encoding="utf-8")) <= {mine}, path
    text = f"https://github.com/{mine}/mlmkit https://{mine}.github.io/mlmkit mybinder.org/v2/gh/{mine}/mlmkit/HEAD"
    assert owner.owners(owner.rename(text, "somebody")) == {"somebody"}


def test_the_map_in_the_readme_names_every_chapter():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "chapters").glob("[0-9]*.ipynb")):
        assert f"](chapters/{path.name})" in readme, f"{path.name} is missing in README.md's map"


def test_what_is_cited_is_this_version():
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {PROJECT['version']}\n" in cited
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_links_in_the_readme_and_the_guide_lead_somewhere():
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
            assert (ROOT / target).exists(), f"{name} links to {target}"
