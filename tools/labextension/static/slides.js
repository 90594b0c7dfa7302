/* The course's slides (jupyterlab_rise): driven from the keyboard alone, and pictures as large as their slide leaves room for.
   chapters/rise.css says how they look. */
(() => {
  "use strict";

  const PICTURE = ".jp-RenderedImage img, .jp-RenderedSVG img, .jupyter-widgets img[role=img]";
  const NARROW = 1.45; // a picture no wider than this, for its height, has its explanation beside it

  const [LEAST, MOST] = [0.3, 0.93]; // of the height that a picture takes
  const ENLARGED = 2; // times its own size: a picture of few pixels gets no larger
  const SMALLEST = 0.8; // what a full slide is set down to
  const MARGIN = 8; // pixels at the foot

  const current = () => document.querySelector(".rise-enabled .reveal section.present section.present");
  const cells = slide => [...slide.querySelectorAll(".jp-Cell:not(.reveal-skip)")].filter(cell => !cell.closest("aside.notes"));

  /* A slide opens with its first code cell chosen, so that Shift+Enter runs it at once. Without a chosen cell the keys reach
     nothing, and with one of another slide they would run that and go there. */
  function choose(slide) {
    const [first] = [...cells(slide).filter(cell => cell.matches(".jp-CodeCell")), ...cells(slide)];
    if (!first) return;
    for (const kind of ["mousedown", "mouseup"]) first.dispatchEvent(new MouseEvent(kind, { bubbles: true, button: 0 }));
    first.closest(".jp-Notebook").focus({ preventScroll: true });
  }

  /* What explains a narrow picture stands beside it: the first words after it. */
  function arrange(slide) {
    const shown = cells(slide);
    const place = shown.findIndex(cell => cell.matches(".jp-CodeCell") && cell.querySelector(PICTURE));
    const picture = shown[place]?.querySelectorAll(PICTURE);
    const words = shown[place + 1];
    const beside = picture?.length === 1 && words?.matches(".jp-MarkdownCell") && words.parentElement === shown[place].parentElement &&
      picture[0].naturalWidth <= NARROW * picture[0].naturalHeight;
    slide.classList.toggle("slide-beside", Boolean(beside));
    for (const cell of shown) {
      cell.classList.toggle("slide-picture", Boolean(beside) && cell === shown[place]);
      cell.classList.toggle("slide-words", Boolean(beside) && cell === words);
    }
  }

  /* Pictures take what height the rest of the slide leaves, and a slide that is a little too full is set a little smaller. An
     exploration's picture only shrinks, for a sentence that grows while a slider moves must not make it jump. */
  function fit(slide) {
    const lives = slide.querySelector(".jupyter-widgets") !== null;
    const pictures = [...slide.querySelectorAll(PICTURE)].filter(picture => picture.offsetParent);
    slide.style.zoom = 1;
    if (pictures.length) {
      const before = lives && parseFloat(slide.style.getPropertyValue("--picture")) || Infinity;
      slide.style.setProperty("--picture", "0px");
      const free = (innerHeight - MARGIN - lowest(slide, ":not(.slide-words)")) / pictures.length;
      const sharp = ENLARGED * Math.max(...pictures.map(picture => picture.naturalHeight || Infinity));
      const size = Math.max(LEAST * innerHeight, Math.min(MOST * innerHeight, free, before, sharp));
      slide.style.setProperty("--picture", `${Math.floor(size)}px`);
    }
    const full = lowest(slide, "*") / (innerHeight - MARGIN);
    const zoom = full > 1 && !lives ? Math.max(SMALLEST, 1 / full) : 1;
    slide.style.zoom = zoom;
    // the frame, beyond which nothing is seen, is set smaller with the slide; it has to reach the foot of the page all the same
    slide.style.minHeight = zoom < 1 ? `${(innerHeight - slide.getBoundingClientRect().top) / zoom}px` : "";
  }

  /* Where the content of a slide ends, in pixels from the top of the page; of an exploration, where its sentence ends. */
  function lowest(slide, which) {
    const sentences = [...slide.querySelectorAll(".jupyter-widgets [aria-live]")].filter(sentence => sentence.offsetParent);
    const parts = sentences.length ? sentences : [...slide.children].filter(child => child.matches(which));
    return Math.max(0, ...parts.map(part => part.getBoundingClientRect().bottom)) + slide.scrollTop;
  }

  let watching = [];

  function open() {
    const slide = current();
    if (!slide) return;
    choose(slide);
    show(slide);
  }

  /* Arrange and fit a slide, and again whenever something on it has come or grown: code is drawn late, a picture loads, a cell runs. */
  function show(slide) {
    let waiting = null;
    const again = () => {
      arrange(slide);
      fit(slide);
    };
    const soon = () => {
      waiting ??= setTimeout(() => {
        waiting = null;
        again();
      }, 60);
    };
    watching.forEach(each => each.disconnect());
    watching = [new MutationObserver(soon), new ResizeObserver(soon)];
    watching[0].observe(slide, { childList: true, characterData: true, subtree: true });
    cells(slide).forEach(cell => watching[1].observe(cell));
    again();
  }

  /* Keys that move a slider or press a button turn no page and are no shortcut: they go no further than the slider or the button. */
  function keep(event) {
    const moves = event.target.closest?.(".noUi-handle, [role=slider], input, select, textarea");
    const presses = event.target.closest?.("button, summary, a[href]") && [" ", "Enter"].includes(event.key);
    if (!moves && !presses) return;
    event.target.setAttribute("data-lm-suppress-shortcuts", "true");
    event.target.addEventListener("keydown", own => own.stopPropagation(), { once: true });
  }

  function start() {
    addEventListener("keydown", keep, true);
    for (const kind of ["ready", "slidechanged"]) document.addEventListener(kind, () => setTimeout(open), true);
    addEventListener("resize", () => { if (current()) show(current()); });
  }

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
