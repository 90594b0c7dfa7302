"""The slides at 1280 × 720: everything on a slide is on the screen, no answer before its question, the keyboard does it all."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import expect

from mlmkit.course.cells import tags_of
from tools.notebooks import chapters, dress, from_text

SCREEN = {"width": 1280, "height": 720}
#: What each slide shows: the places of its cells in the notebook, how far its content reaches right and down, and how much lies
#: below the end of its frame, unseen. A slide is looked at again if it does not fit, since code is drawn and pictures load a moment later.
STEP_THROUGH = """async () => {
  const wait = ms => new Promise(done => setTimeout(done, ms));
  const all = [...document.querySelectorAll('.reveal .jp-Cell')];
  const seen = element => !element.closest('aside.notes, .reveal-skip, .jp-sr-only, .cm-announced, mjx-assistive-mml');
  const reach = slide => {
    const boxes = [...slide.querySelectorAll('*')].filter(seen).map(element => element.getBoundingClientRect());
    const real = boxes.filter(box => box.width && box.height);
    return [Math.max(0, ...real.map(box => box.right)), Math.max(0, ...real.map(box => box.bottom))];
  };
  const slides = [];
  for (const slide of document.querySelectorAll('.reveal section > section')) {
    const cells = all.filter(cell => slide.contains(cell) && seen(cell));
    if (!cells.length) continue;
    location.hash = slide.id.replace('slide-', '#/').replace('-', '/');
    for (let k = 0; k < 400 && !slide.classList.contains('present'); k++) await wait(25);
    let [right, bottom] = [Infinity, Infinity];
    for (let k = 0; k < 200 && (right > innerWidth + 1 || bottom > innerHeight + 1); k++) {
      await wait(30);
      [right, bottom] = reach(slide);
    }
    const folded = [...slide.querySelectorAll('details.answer:not([open]), .jp-OutputPlaceholder')].filter(seen).length;
    const below = slide.scrollHeight - slide.clientHeight;
    slides.push({ id: slide.id, cells: cells.map(cell => all.indexOf(cell)), right, bottom, below, folded, words: slide.innerText.slice(0, 60) });
  }
  return slides;
}"""


@pytest.fixture
def slides_of(browser, address):
    """Opens a notebook's slides; afterwards the page may not have erred or asked another host for anything."""
    pages = []

    def _open(path):
        page = browser.new_page(viewport=SCREEN)
        errors, foreign = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((address, "data:", "blob:")) or foreign.append(request.url)
            ),
        )
        page.goto(f"{address}/rise/{path}")
        page.locator(".reveal section.present section.present").wait_for(timeout=60_000)
        pages.append((page, errors, foreign))
        return page

    yield _open
    for page, errors, foreign in pages:
        page.close()
        assert not foreign
        assert [
            error for error in errors if "call stack" not in error
        ] == []  # jupyterlab_rise's own, of no effect


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
def test_every_slide_of_a_chapter_fits_and_asks_before_it_tells(slides_of, chapter):
    cells = nbformat.read(chapter.notebook, 4).cells
    page = slides_of(f"chapters/{chapter.notebook.name}")
    page.wait_for_timeout(1500)
    slides = page.evaluate(STEP_THROUGH)
    shown = [[tags_of(cells[k]) for k in slide["cells"]] for slide in slides]
    assert sum("predict" in tags for slide in shown for tags in slide) == sum(
        "predict" in tags_of(c) for c in cells
    )
    overflowing = [slide for slide in slides if slide["right"] > 1281 or slide["bottom"] > 721]
    assert overflowing == [], overflowing
    cut_off = [slide for slide in slides if slide["below"] > 5]
    assert cut_off == [], cut_off
    for slide, tags in zip(slides, shown, strict=True):
        asks = [k for k, each in enumerate(tags) if "predict" in each]
        assert not asks or not any("reveal" in each for each in tags[asks[0] :]), slide
        assert slide["folded"] == 0, "an answer that has a slide of its own is open there"


SMALL = """
# Slides

```{code-cell}
import mlmkit as mk
print("ready", "now")
```

+++ {"tags": ["predict"]}

## A question

**Predict.** How many?

+++ {"tags": ["reveal"]}

<details class="answer"><summary>I have predicted: show the answer</summary>

Seven.

</details>

## Explore

```{code-cell}
mk.explore_icc()
```

## A narrow picture

```{code-cell}
mk.network("Reaction ~ Days + (Days|Subject)", mk.load_data("sleepstudy"))
```

Its explanation.
"""


@pytest.fixture
def small_talk(course):
    nb = from_text(SMALL)
    dress(nb)
    nbformat.write(nb, course / "chapters" / "talk.ipynb")
    return "chapters/talk.ipynb"


def test_the_keyboard_drives_the_slides(slides_of, small_talk):
    page = slides_of(small_talk)
    slide = page.locator(".reveal section.present section.present")

    def at(place):
        page.wait_for_function(
            f"document.querySelector('.reveal section.present section.present').id === 'slide-{place}'"
        )

    page.wait_for_timeout(2000)  # the kernel starts
    page.keyboard.press("Shift+Enter")  # without a click
    page.locator("pre", has_text="ready now").wait_for(state="attached", timeout=60_000)
    at("1-0")
    page.get_by_label("Your prediction").fill("")
    page.get_by_label("Your prediction").type("about 7")  # a space that is typed turns no page
    page.keyboard.press("Enter")
    page.get_by_text("You predicted about 7.").wait_for()
    answer = slide.locator("p", has_text="Seven.")
    assert answer.count() == 0
    at("1-0")
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Space")
    at("1-1")
    assert answer.is_visible()
    page.keyboard.press("Space")
    at("2-0")
    page.wait_for_timeout(300)
    page.keyboard.press("Control+Enter")  # runs and stays
    sentence = slide.locator(".jupyter-widgets [aria-live]").first
    sentence.wait_for(timeout=60_000)
    slide.locator("img[role=img]").wait_for()
    page.wait_for_timeout(500)
    box = sentence.bounding_box()
    assert box["y"] + box["height"] <= 720, "the live sentence is on the screen"
    handle = slide.locator(".noUi-handle").first
    before = handle.get_attribute("aria-valuetext")
    handle.press("ArrowRight")
    expect(handle).not_to_have_attribute("aria-valuetext", before)
    at("2-0")


def test_the_explanation_stands_beside_a_narrow_picture(slides_of, small_talk):
    page = slides_of(small_talk)
    page.wait_for_timeout(2000)
    page.keyboard.press("Shift+Enter")
    page.locator("pre", has_text="ready now").wait_for(state="attached", timeout=60_000)
    page.evaluate("location.hash = '#/3/0'")
    page.wait_for_timeout(500)
    page.keyboard.press("Control+Enter")
    picture = page.locator("section.present section.present img").first
    picture.wait_for(timeout=60_000)
    page.wait_for_timeout(700)
    words = page.locator("p", has_text="Its explanation.").bounding_box()
    box = picture.bounding_box()
    assert words["x"] >= box["x"] + box["width"] - 5 and words["y"] < box["y"] + box["height"]
    assert box["height"] > 400 and box["y"] + box["height"] <= 721
