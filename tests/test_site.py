"""The web book as files: every page is there, every link leads somewhere, nothing comes from another host."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from mlmkit.course import book
from mlmkit.course.folder import CourseError

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "site"
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("[0-9]*.ipynb"))
#: Attributes by which a page asks for a file as it opens.
LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}


class Page(HTMLParser):
    """What a page loads, links to, and can be linked to at."""

    def __init__(self, path: Path):
        super().__init__()
        self.loads, self.links, self.names, self.pictures = [], [], set(), []
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
    assert "WARNING" not in run.stderr, run.stderr[-3000:]
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


def test_formulas_are_set_by_a_file_in_the_book_with_its_licence(site):
    assert any(
        "_static/mathjax/tex-svg.js" in address
        for address in read(site / "chapters" / f"{CHAPTERS[3]}.html").loads
    )
    assert "Apache License" in (site / "_static/mathjax/LICENSE").read_text(encoding="utf-8")


def test_a_lecturers_own_chapters_make_a_book(tmp_path, monkeypatch):
    filled = []
    monkeypatch.setattr(book, "_sphinx", lambda source, out, doctrees: out.mkdir() or filled.append(source))
    (tmp_path / "mine" / "chapters").mkdir(parents=True)
    with pytest.raises(CourseError, match="There are no chapters in .*mine"):
        book.build_book(tmp_path / "site", tmp_path / "mine")
    chapter = ROOT / "chapters" / f"{CHAPTERS[0]}.ipynb"
    (tmp_path / "mine" / "chapters" / "00-mine.ipynb").write_bytes(chapter.read_bytes())
    book.build_book(tmp_path / "site", tmp_path / "mine")
    assert [path.name for path in (filled[0] / "chapters").iterdir()] == ["00-mine.ipynb"]


def test_without_sphinx_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match=r'pip install "mlmkit\[site\]"'):
        book.build_book(tmp_path)


def test_files_that_are_no_longer_part_of_the_book_go(tmp_path):
    book._fill(tmp_path, {"a.md": b"a", "chapters/b.ipynb": b"b"})
    kept = (tmp_path / "a.md").stat().st_mtime_ns
    book._fill(tmp_path, {"a.md": b"a"})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.md"]
    assert (tmp_path / "a.md").stat().st_mtime_ns == kept
