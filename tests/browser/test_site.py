"""The web book opened from a disk, as a reader does: it answers, searches, prints, and asks no other host."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.resources import files

import pytest
from playwright.sync_api import expect

from mlmkit.answers.chapter03 import QUESTIONS
from mlmkit.check import usual_answers

from .lab import PATIENCE, ROOT

SITE = ROOT / "build" / "site"
#: One page of each type.
TYPES = {
    "front": "index.html",
    "chapter": "chapters/03-linear-mixed-effects.html",
    "api": "api.html",
    "function": "generated/mlmkit.lmer.html",
    "document": "changelog.html",
    "search": "search.html?q=shrinkage",
}


@pytest.fixture(scope="module")
def site(browser):
    subprocess.run([sys.executable, "-m", "mlmkit", "site", SITE], cwd=ROOT, check=True, capture_output=True)
    return SITE


@pytest.fixture
def opened(browser, site):
    """Open pages from the disk; afterwards none may have erred or asked any host for anything."""
    pages = []

    def _open(path: str, width: int = 1280, scheme: str = "light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(PATIENCE)
        page.seen = []
        page.on("pageerror", lambda error: page.seen.append(str(error)))
        page.on(
            "request", lambda it: it.url.startswith(("file:", "data:", "blob:")) or page.seen.append(it.url)
        )
        pages.append(page)
        page.goto(f"{site.as_uri()}/{path}")
        return page

    yield _open
    for page in pages:
        assert page.seen == []
        page.close()


def test_formulas_are_set(opened):
    page = opened(TYPES["chapter"])
    page.locator("mjx-container").first.wait_for()
    assert page.locator("mjx-container").count() > 50 and page.locator("mjx-merror").count() == 0


def exercise(page, name: str):
    form = page.locator(f"course-check[exercise='{name}']")
    form.scroll_into_view_if_needed()
    return form, form.locator("[role=status]")


def test_an_exercise_with_options_answers(opened):
    form, verdict = exercise(opened(TYPES["chapter"]), "03-1")
    form.get_by_role("button", name="Check").click()
    expect(verdict).to_have_text("Give an answer first.")
    form.get_by_label("(a)").check()
    form.get_by_role("button", name="Check").click()
    expect(verdict).to_have_text(f"✗ Not yet: {QUESTIONS[0].wrong[0].why}")
    form.get_by_label("(b)").check()
    form.get_by_role("button", name="Check").click()
    expect(verdict).to_have_text(f"✓ Right: {QUESTIONS[0].right}")


def test_an_exercise_with_a_number_answers_as_check_does(opened):
    form, verdict = exercise(opened(TYPES["chapter"]), "03-2")
    truth, wrong = usual_answers(QUESTIONS[1])[:2]
    for typed, said in (
        ("about three", "A number is asked for, like 0.25."),
        (f"{truth:.3g}", f"✓ Right: {QUESTIONS[1].right}"),
        (f"{truth:.6g}".replace(".", ","), f"✓ Right: {QUESTIONS[1].right}"),
        (f"{wrong:.5g}", f"✗ Not yet: {QUESTIONS[1].wrong[0].why}"),
        (f"{7 * truth:.3g}", "✗ Not yet. Read the hint, or the section above, and try again."),
    ):
        form.get_by_role("textbox").fill(typed)
        form.get_by_role("textbox").press("Enter")
        expect(verdict).to_have_text(said)


def test_a_prediction_is_committed_to_before_the_answer_opens(opened):
    page = opened(TYPES["chapter"])
    answer = page.locator("details.answer").first
    assert answer.get_attribute("open") is None
    page.locator(".predict-option").first.click()
    expect(page.locator(".predict-said", has_text="You predicted (a).")).to_have_count(1)
    expect(answer).to_have_attribute("open", "")
    page.reload()
    expect(page.locator(".predict-said", has_text="You predicted (a).")).to_have_count(1)


@pytest.mark.parametrize(("path", "name"), [(TYPES["front"], "plane"), (TYPES["chapter"], "plane")])
def test_a_films_slider_moves_its_picture_and_its_sentence(opened, path, name):
    page = opened(path)
    film = page.locator(f"course-film[name={name}]")
    film.scroll_into_view_if_needed()
    film.locator("canvas").wait_for()
    page.wait_for_timeout(1500)
    picture = "film => film.querySelector('canvas').toDataURL()"
    before, said = film.evaluate(picture), film.locator("[role=status]").inner_text()
    slider = film.locator("input[type=range]").nth(1)
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 3, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(film.locator("[role=status]")).not_to_have_text(said)
    page.wait_for_timeout(300)
    assert film.evaluate(picture) != before


def test_what_stands_in_for_a_script_is_gone_where_scripts_run(opened):
    page = opened(TYPES["chapter"])
    page.locator("course-check form").first.wait_for()
    assert page.get_by_text("Answer it in the notebook").count() == 0
    assert page.get_by_text("With JavaScript").count() == 0


def test_solutions_stay_folded_until_opened_and_open_on_paper(opened):
    page = opened(TYPES["chapter"])
    solution = page.locator("details.course-solution").first
    assert not solution.get_attribute("open") and solution.locator("summary").inner_text() == "Solution"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert solution.get_attribute("open") is not None
    assert page.locator("details.course-instructor").first.get_attribute("open") is None
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert solution.get_attribute("open") is None


def test_search_finds_a_word_in_the_chapters(opened):
    page = opened(TYPES["front"])
    page.get_by_role("textbox", name="Search").fill("shrinkage")
    page.keyboard.press("Enter")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    page.wait_for_timeout(1000)
    found = results.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert sum("chapters/" in address for address in found) >= 3


@pytest.mark.parametrize("path", TYPES.values(), ids=TYPES)
def test_a_phone_scrolls_no_page_sideways(opened, path):
    page = opened(path, width=390)
    page.wait_for_timeout(1500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", TYPES.values(), ids=TYPES)
def test_nothing_stands_in_a_readers_way(opened, path, scheme):
    """axe-core finds nothing, everything that folds being open."""
    page = opened(path, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; })")
    page.wait_for_timeout(2500)
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert not found, [
        (it["id"], it["help"], [node["html"][:200] for node in it["nodes"][:3]]) for it in found
    ]


# ---- a notebook as one page ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A chapter as `jupyter nbconvert --template mlmkit` writes it, the template as it is here."""
    folder = tmp_path_factory.mktemp("exported")
    template = folder / "templates" / "mlmkit"
    for source in (ROOT / "tools/nbconvert/mlmkit", ROOT / "docs/_static/mathjax"):
        shutil.copytree(source, template, dirs_exist_ok=True)
    chapter = ROOT / "chapters" / "03-linear-mixed-effects.ipynb"
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "html",
        "--template",
        "mlmkit",
        f"--output-dir={folder}",
    ]
    command += [f"--TemplateExporter.extra_template_basedirs={folder / 'templates'}", str(chapter)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / f"{chapter.stem}.html"


def test_an_exported_notebook_needs_nothing_else(browser, exported):
    page = browser.new_page()
    seen = []
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("request", lambda it: it.url.startswith(("file:", "data:", "blob:")) or seen.append(it.url))
    page.goto(exported.as_uri())
    page.locator("mjx-container").first.wait_for()
    words = page.locator("main img").evaluate_all("images => images.map(image => image.alt)")
    assert len(words) > 5 and all(len(alt) > 60 and "No description" not in alt for alt in words)
    page.close()
    assert seen == []
