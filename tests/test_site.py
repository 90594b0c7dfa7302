"""The web book as files: every page is there, every link leads somewhere, nothing comes from another host."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import nbformat
import numpy as np
import pandas as pd
import pytest

import mlmkit as mk
from mlmkit.bayes.posterior import Posterior
from mlmkit.course import book
from mlmkit.course.folder import CourseError
from mlmkit.fits import FlatFit
from mlmkit.widgets import films
from tools import agreement

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "site"
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("[0-9]*.ipynb"))
#: Attributes by which a page asks for a file as it opens.
LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}


class Page(HTMLParser):
    """What a page loads, links to, and can be linked to at."""

    def __init__(self, path: Path):
        super().__init__()
        self.loads: list = []
        self.links: list = []
        self.names: set = set()
        self.pictures: list = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.names |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag != "link" or given.get("rel") in ("stylesheet", "icon", "preload"):
            self.loads += [given[key] for name, key in LOADS if name == tag and given.get(key)]
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "img":
            self.pictures.append(given)


@cache
def read(path: Path) -> Page:
    return Page(path)


@pytest.fixture(scope="module")
def site():
    """The book, made as `make site` makes it; what did not change since the last time is not made again."""
    command = [sys.executable, "-m", "mlmkit", "site", SITE]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    assert not re.search("WARNING|ERROR", run.stderr), run.stderr[-3000:]
    return SITE


@pytest.fixture(scope="module")
def pages(site):
    return sorted(site.rglob("*.html"))


def test_every_chapter_and_every_page_of_the_docs_is_there(site):
    assert all((site / "chapters" / f"{name}.html").is_file() for name in CHAPTERS)
    for document in (ROOT / "docs").glob("*.md"):
        assert (site / f"{document.stem}.html").is_file()
    front = read(site / "index.html").links
    assert all(f"chapters/{name}.html" in front for name in CHAPTERS)


def test_no_page_loads_anything_from_elsewhere(site, pages):
    for path in pages:
        for address in read(path).loads:
            assert not urlparse(address).scheme or address.startswith("data:"), f"{path.name} loads {address}"
            assert (path.parent / unquote(urlparse(address).path)).is_file(), f"{path.name} loads {address}"


def test_every_link_within_the_book_leads_somewhere(site, pages):
    for path in pages:
        for link in read(path).links:
            there = urlparse(link)
            if there.scheme or there.netloc:
                continue
            target = (path.parent / unquote(there.path)).resolve() if there.path else path
            assert target.is_file(), f"{path.name} links to {link}"
            if there.fragment and target.suffix == ".html":
                assert unquote(there.fragment) in read(target).names, f"{path.name} links to {link}"


def test_every_picture_has_its_words(site, pages):
    for path in pages:
        for picture in read(path).pictures:
            assert picture.get("alt"), f"{path.name} shows {picture['src']} without words"


def test_no_page_shows_where_it_was_made(site):
    for path in site.rglob("*"):
        if path.suffix in (".html", ".js", ".css"):
            text = path.read_text(encoding="utf-8")
            assert str(ROOT) not in text and not re.search(r"/ipykernel_\d+/", text), path


def test_the_book_is_small_enough_to_send(site):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 25e6
    assert (site / ".nojekyll").is_file() and not list(site.rglob("*.doctree"))


def test_every_exploration_that_has_a_film_shows_it(site):
    listed = {path.stem for path in (site / "_static" / "films").glob("*.js")}
    assert listed == set(films.names())
    for path in (ROOT / "chapters").glob("[0-9]*.ipynb"):
        cells = nbformat.read(path, 4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        shown = set(re.findall(r"\bmk\.explore_(\w+)\(", code)) & listed
        text = (site / "chapters" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert shown <= set(re.findall(r'<course-film name="(\w+)">', text)), path.stem


def test_formulas_are_set_by_a_file_in_the_book_with_its_licence(site):
    assert any(
        "_static/mathjax/tex-svg.js" in address
        for address in read(site / "chapters" / f"{CHAPTERS[3]}.html").loads
    )
    assert "Apache License" in (site / "_static/mathjax/LICENSE").read_text(encoding="utf-8")


def test_a_lecturers_own_chapters_make_a_book(tmp_path, monkeypatch):
    filled = []
    monkeypatch.setattr(book, "_films", lambda folder: {})
    monkeypatch.setattr(book, "_sphinx", lambda source, out, doctrees: out.mkdir() or filled.append(source))
    (tmp_path / "mine" / "chapters").mkdir(parents=True)
    with pytest.raises(CourseError, match="There are no chapters in .*mine"):
        book.build_book(tmp_path / "site", tmp_path / "mine")
    chapter = ROOT / "chapters" / f"{CHAPTERS[0]}.ipynb"
    (tmp_path / "mine" / "chapters" / "00-mine.ipynb").write_bytes(chapter.read_bytes())
    book.build_book(tmp_path / "site", tmp_path / "mine")
    assert [path.name for path in (filled[0] / "chapters").iterdir()] == ["00-mine.ipynb"]


def test_a_chapter_that_is_live_beside_the_book_links_there(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "_films", lambda folder: {})
    monkeypatch.setattr(book, "_sphinx", lambda source, out, doctrees: None)
    lite = tmp_path / "site" / "lite"
    for place in ("lab/index.html", f"files/{CHAPTERS[0]}.ipynb"):
        (lite / place).parent.mkdir(parents=True)
        (lite / place).write_text("")
    book.build_book(tmp_path / "site")
    pages = tmp_path / "site.work" / "source" / "chapters"
    texts = {path.stem: path.read_text(encoding="utf-8") for path in pages.glob("*.ipynb")}
    linked = {
        name: re.findall(r"\.\./lite/lab/index\.html\?path=([\w-]+)\.ipynb", texts[name]) for name in texts
    }
    assert linked.pop(CHAPTERS[0]) == [CHAPTERS[0]] and not any(linked.values())
    assert (lite / "lab/index.html").is_file(), "what is not Sphinx's stays"


def test_without_sphinx_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match=r'pip install "mlmkit\[site\]"'):
        book.build_book(tmp_path)


def test_pages_of_names_that_are_no_longer_public_go(tmp_path):
    book._fill(tmp_path, {"api.md": b"old"})
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "mlmkit.old.rst").write_text("")
    book._fill(tmp_path, {"api.md": b"old"})
    assert (tmp_path / "generated" / "mlmkit.old.rst").is_file()
    book._fill(tmp_path, {"api.md": b"new"})
    assert not (tmp_path / "generated").exists()


def test_files_that_are_no_longer_part_of_the_book_go(tmp_path):
    book._fill(tmp_path, {"a.md": b"a", "chapters/b.ipynb": b"b"})
    kept = (tmp_path / "a.md").stat().st_mtime_ns
    book._fill(tmp_path, {"a.md": b"a"})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.md"]
    assert (tmp_path / "a.md").stat().st_mtime_ns == kept


def test_pages_that_are_no_longer_made_from_anything_go(tmp_path):
    """Of what Sphinx made; its own pages and what stands beside the book stay."""
    source, out = tmp_path / "source", tmp_path / "out"
    own = ["intro.html", "chapters/01-one.html", "genindex.html", "search.html", "lite/lab/index.html"]
    for place in [
        *own,
        "old.html",
        "chapters/02-gone.html",
        "_static/pictures/a.svg",
        "_static/pictures/b.svg",
    ]:
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        (out / place).write_text("")
    for place in ("intro.md", "chapters/01-one.ipynb", "_static/pictures/a.svg"):
        (source / place).parent.mkdir(parents=True, exist_ok=True)
        (source / place).write_text("")
    book._prune(source, out)
    left = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert left == {*own, "_static/pictures/a.svg"}


# ---- the pages that are no chapter ---------------------------------------------------------------------


def written() -> list[Path]:
    return [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_every_name_that_a_page_uses_is_there(path):
    """`mk.lmer` is public, `fit.confint` a method or an attribute of some fit or posterior."""
    text = path.read_text(encoding="utf-8")
    of_fits = set(mk.lmer("y ~ x + (1|g)", small()).__dir__()) | set(dir(FlatFit)) | set(dir(Posterior))
    for owner, name in re.findall(r"\b(mk|fit|posterior)\.([A-Za-z_]\w*)", text):
        known = name in mk.__all__ if owner == "mk" else name in of_fits
        assert known, f"{path.name} speaks of {owner}.{name}, which is not there"


def small() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 5)
    x = rng.normal(size=40)
    return pd.DataFrame({"g": g, "x": x, "y": x + 3 * rng.normal(size=8)[g] + rng.normal(size=40)})


def test_every_command_that_a_page_names_is_there():
    """`mlmkit student` is a command and `make site` a target."""
    help = subprocess.run(
        [sys.executable, "-m", "mlmkit", "--help"], capture_output=True, text=True, check=True
    ).stdout
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in written():
        text = path.read_text(encoding="utf-8")
        for command in re.findall(r"(?:`|\$ |^    |\\|/)mlmkit ([a-z]+)", text, re.MULTILINE):
            assert re.search(rf"^    {command}\b", help, re.MULTILINE), f"{path.name}: mlmkit {command}"
        for target in re.findall(r"(?:`|^    )make ([a-z]+)", text, re.MULTILINE):
            assert target in targets, f"{path.name}: make {target}"


def test_the_table_of_agreements_is_of_tests_that_are_there():
    with open(ROOT / "docs" / "agreement.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 20 and tuple(rows[0]) == agreement.HEADER
    for row in rows:
        test = ROOT / "tests" / row["test"].strip("`")
        names = re.findall(r"^def (test_\w+)", test.read_text(encoding="utf-8"), re.MULTILINE)
        assert row["what"] in {agreement.in_words(name) for name in names}, row
        assert float(row["largest difference"]) <= 1.5 * float(row["limit"]), row


def test_what_a_comparison_is_off_is_noted():
    row = agreement.Row("x")
    row.note([1.0, 2.002], [1.0, 2.0], rtol=1e-2, atol=0)
    row.note(np.nan, 1.0, rtol=1, atol=0)
    assert row.values == 2 and row.difference == pytest.approx(1e-3) and row.limit == 1e-2
    assert agreement.in_words("test_satterthwaite_is_lmertests") == "Satterthwaite is lmerTest's"
