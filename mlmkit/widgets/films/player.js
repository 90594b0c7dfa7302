/* <course-film name="icc"></course-film> plays an exploration that was recorded by mlmkit.widgets.films: no kernel, no server,
   no network. What a film is made of is written in mlmkit/widgets/films/strokes.py and film.py.

   courseFilm.cards({name: card, …})   what films show before their pictures are there; the element reserves its room from it
   courseFilm.reel(name, packed)       the pictures of one film, fetched as films/NAME.js beside this script when the element
                                       comes near the screen, unless the page holds them already */
(() => {
  "use strict";
  if (globalThis.courseFilm) return;

  const STYLE = `
    course-film { display: block; max-width: 960px; margin: 1em 0; line-height: 1.45; }
    course-film .film-title { font-weight: 600; margin: 0 0 .4em; }
    course-film .film-buttons, course-film .film-controls { display: flex; flex-wrap: wrap; gap: .4em 1.2em; margin: .4em 0;
      align-items: center; }
    course-film .film-buttons { gap: .4em; }
    course-film button { font: inherit; font-size: .9em; min-height: 2em; padding: .15em .8em; color: inherit; cursor: pointer;
      background: transparent; border: 1px solid currentColor; border-radius: .3em; }
    course-film button[aria-pressed=true] { box-shadow: inset 0 -.25em 0 #3b8ec9; font-weight: 600; }
    course-film .film-control { display: flex; align-items: center; gap: .5em; min-height: 2em; }
    course-film input[type=range] { width: 13em; max-width: 55vw; accent-color: #3b8ec9; }
    course-film input[type=checkbox] { width: 1.2em; height: 1.2em; accent-color: #3b8ec9; }
    course-film select { font: inherit; color: inherit; background: transparent; border: 1px solid currentColor;
      border-radius: .3em; min-height: 2em; }
    course-film option { color: #2f2d2a; background: #fff; }
    course-film output { min-width: 4.5em; font-variant-numeric: tabular-nums; }
    course-film :focus-visible { outline: 3px solid #3b8ec9; outline-offset: 2px; }
    course-film canvas { display: block; width: 100%; background: #fff; }
    course-film .film-said { display: grid; margin: .5em 0; }
    course-film .film-said > * { grid-area: 1 / 1; margin: 0; }
    course-film .film-said > [aria-hidden] { visibility: hidden; }
    course-film .film-others { margin: .2em 0; font-size: .9em; min-height: 1.45em; }
    course-film summary { cursor: pointer; }
    course-film ol { margin: .2em 0 .6em; padding-left: 1.6em; }`;
  const NARROW = 600; // pixels: below, the parts of a picture stand one above the other
  const NEAR = "600px";
  const [LINE, AREA, POINTS, TEXT] = [0, 1, 2, 3];

  const here = (document.currentScript?.src ?? "").replace(/[^/]*$/, "");
  const cards = {}, reels = {}, waiting = {};

  globalThis.courseFilm = {
    cards(more) { Object.assign(cards, more); document.querySelectorAll("course-film").forEach(film => film.setUp?.()); },
    reel(name, packed) { reels[name] = unpack(packed); waiting[name]?.forEach(resolve => resolve(reels[name])); },
  };

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(stream).text());
  }

  /** The pictures of a film. A script, not fetch: it works from a folder, too. */
  function load(name) {
    return reels[name] ?? new Promise((resolve, reject) => {
      if (name in waiting) { waiting[name].push(resolve); return; }
      waiting[name] = [resolve];
      const script = make("script", { src: `${here}films/${name}.js` });
      script.onerror = () => reject(new Error(`films/${name}.js is not there`));
      document.head.append(script);
    });
  }

  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(properties)) key in element ? element[key] = value : element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  const rgba = ([hex, alpha]) => hex + Math.round(255 * alpha).toString(16).padStart(2, "0");
  let films = 0;

  class CourseFilm extends HTMLElement {
    connectedCallback() { this.setUp(); }

    /** Title, controls, room for the picture and words, all at once, so that nothing on the page moves later. */
    setUp() {
      const card = cards[this.getAttribute("name")];
      if (!card || this.card) return;
      this.card = card;
      this.id ||= `film-${++films}`;
      [this.at, this.frame] = [[...card.start[0]], card.start[1]];
      this.words = make("p", { role: "status", textContent: card.words });
      this.ghost = make("p", { ariaHidden: "true", textContent: card.longest });
      this.others = make("p", { className: "film-others", textContent: card.others });
      this.canvas = make("canvas", { role: "img", ariaLabel: card.shows });
      this.tasks = make("ol");
      this.controls = card.controls.map((control, k) => this.control(k, ...control));
      this.presets = card.presets.map(([name, at, frame]) => this.button(name, () => this.show(at, frame)));
      const reset = this.button("reset", () => this.show(...card.start));
      this.replaceChildren(
        make("p", { className: "film-title", textContent: card.title }),
        make("div", { className: "film-buttons", role: "group", ariaLabel: "Settings" }, ...this.presets, reset),
        make("div", { className: "film-controls" }, ...this.controls.map(one => one.row)),
        this.others, this.canvas, make("div", { className: "film-said" }, this.ghost, this.words),
        make("details", { open: true }, make("summary", { textContent: "What to try" }), this.tasks));
      this.label(card.labels, card.try);
      this.reserve();
      new ResizeObserver(() => { this.reserve(); this.paint(); }).observe(this);
      new IntersectionObserver((seen, watch) => {
        if (!seen.some(entry => entry.isIntersecting)) return;
        watch.disconnect();
        this.play();
      }, { rootMargin: NEAR }).observe(this);
    }

    async play() {
      try {
        this.reel = await load(this.getAttribute("name"));
      } catch (error) {
        this.words.textContent = `The film cannot be shown: ${error.message}.`;
        return;
      }
      [this.paths, this.stamps] = [[], new Map()];
      this.show(this.at, this.frame);
    }

    // -- controls --------------------------------------------------------------------------------------------------

    control(k, name, label, kind, values) {
      const id = `${this.id}-${name}`, output = make("output", { htmlFor: id });
      const put = place => { this.at[k] = place; this.show(this.at); };
      if (kind === "press") {
        const press = this.button(label, () => put((this.at[k] + 1) % values));
        return { row: press, set() {} };
      }
      if (kind === "check") {
        const box = make("input", { id, type: "checkbox", onchange: () => put(Number(box.checked)) });
        return { row: this.row(box, make("label", { htmlFor: id, textContent: label })), set: place => { box.checked = place; } };
      }
      if (kind === "list") {
        const options = values.map(text => make("option", { textContent: text }));
        const list = make("select", { id, onchange: () => put(list.selectedIndex) }, ...options);
        return { row: this.row(make("label", { htmlFor: id, textContent: label }), list), set: place => { list.selectedIndex = place; } };
      }
      const range = make("input", { id, type: "range", min: 0, max: values - 1, step: 1, oninput: () => put(Number(range.value)) });
      const set = (place, text) => { range.value = place; range.setAttribute("aria-valuetext", text); output.textContent = text; };
      return { row: this.row(make("label", { htmlFor: id, textContent: label }), range, output), set };
    }

    row(...children) { return make("div", { className: "film-control" }, ...children); }

    button(text, act) { return make("button", { type: "button", textContent: text, onclick: act }); }

    label(labels, tasks) {
      this.controls.forEach((control, k) => control.set(this.at[k], labels[k]));
      this.presets.forEach((button, k) => { button.ariaPressed = String(this.frame === this.card.presets[k][2]); });
      this.tasks.replaceChildren(...tasks.map(text => make("li", { textContent: text })));
    }

    // -- pictures --------------------------------------------------------------------------------------------------

    /** Show the picture at a place of the grid, or the one with that number. */
    show(at, frame) {
      this.at = [...at];
      this.frame = frame ?? this.card.controls.reduce((number, [, , kind, values], k) =>
        number * (kind === "list" ? values.length : values) + at[k], 0);
      if (!this.reel) return;
      const [words, , labels, others, tasks] = this.reel.frames[this.frame];
      this.words.textContent = words;
      this.others.textContent = others;
      this.canvas.ariaLabel = `${this.card.shows} ${words}`;
      this.label(labels, this.reel.tasks[tasks]);
      cancelAnimationFrame(this.next);
      this.next = requestAnimationFrame(() => this.paint());
    }

    /** The parts of the picture, from and to which column, and how tall each is shown. */
    parts() {
      const [width, height] = this.card.size, shown = Math.min(this.clientWidth || width, width);
      const columns = shown < NARROW && this.card.columns.length > 1 ? this.card.columns : [[0, width]];
      return columns.map(([from, to]) => ({ from, to, tall: height * shown / (to - from), shown }));
    }

    reserve() {
      const parts = this.parts();
      this.canvas.style.aspectRatio = `${parts[0].shown} / ${parts.reduce((sum, part) => sum + part.tall, 0)}`;
    }

    paint() {
      if (!this.reel) return;
      const parts = this.parts(), sharp = devicePixelRatio, c = this.canvas.getContext("2d");
      const tall = Math.round(parts.reduce((sum, part) => sum + part.tall, 0) * sharp), wide = Math.round(parts[0].shown * sharp);
      if (this.canvas.width !== wide || this.canvas.height !== tall) [this.canvas.width, this.canvas.height] = [wide, tall];
      c.setTransform(1, 0, 0, 1, 0, 0);
      c.fillStyle = "#fff";
      c.fillRect(0, 0, wide, tall);
      let top = 0;
      for (const { from, to, tall: high, shown } of parts) {
        const scale = shown / (to - from) * sharp;
        c.save();
        c.beginPath();
        c.rect(0, top, wide, high * sharp);
        c.clip();
        c.setTransform(scale, 0, 0, scale, -from * scale, top);
        for (const number of this.reel.frames[this.frame][1]) this.stroke(c, number, scale);
        c.restore();
        top += high * sharp;
      }
    }

    stroke(c, number, scale) {
      const stroke = this.reel.strokes[number];
      if (stroke[0] === TEXT) {
        c.fillStyle = rgba(stroke[1]);
        c.fill(this.path(number));
        return;
      }
      const style = this.reel.styles[stroke[1]], clip = style[2];
      c.save();
      if (clip) { c.beginPath(); c.rect(...clip); c.clip(); }
      if (stroke[0] === POINTS) this.points(c, stroke, scale);
      else this.ink(c, this.path(number), style, scale);
      c.restore();
    }

    ink(c, path, [fill, line, , hatch], scale) {
      if (fill) { c.fillStyle = rgba(fill); c.fill(path); }
      if (hatch) { c.fillStyle = this.tile(hatch, scale); c.fill(path); }
      if (line) {
        c.strokeStyle = rgba(line);
        [, , c.lineWidth, , c.lineCap, c.lineJoin] = line;
        c.setLineDash(line[3] || []);
        c.stroke(path);
      }
    }

    /** A stroke's path, made once. */
    path(number) {
      return this.paths[number] ??= this.reel.strokes[number][0] === TEXT ? this.text(this.reel.strokes[number])
        : this.lines(this.reel.strokes[number]);
    }

    lines([kind, , ...lines]) {
      const path = new Path2D(), { grain } = this.reel;
      for (const steps of lines) {
        let x = steps[0], y = steps[1];
        path.moveTo(x / grain, y / grain);
        for (let k = 2; k < steps.length; k += 2) path.lineTo((x += steps[k]) / grain, (y += steps[k + 1]) / grain);
        if (kind === AREA) path.closePath();
      }
      return path;
    }

    text([, , x, y, angle, runs, rules]) {
      const path = new Path2D(), place = new DOMMatrix().translate(x, y).rotate(-angle);
      for (const [scale, up, letters] of runs)
        for (let k = 0; k < letters.length; k += 2)
          path.addPath(new Path2D(this.reel.shapes[letters[k]]), place.translate(letters[k + 1], up).scale(scale));
      for (const rule of rules) path.addPath(new Path2D(rule), place);
      return path;
    }

    points(c, [, style, shape, across, down], scale) {
      const { rows, grain } = this.reel, stamp = this.stamp(style, shape, scale), side = stamp.width / scale, half = side / 2;
      const xs = rows[across], ys = rows[down];
      for (let k = 0; k < xs.length; k++) c.drawImage(stamp, xs[k] / grain - half, ys[k] / grain - half, side, side);
    }

    /** A marker painted once and then stamped, which is much faster than a path for each point. */
    stamp(style, shape, scale) {
      return this.kept(`${style} ${shape} ${scale}`, () => {
        const outline = this.reel.shapes[shape], [fill, line] = this.reel.styles[style];
        const reach = Math.max(...outline.match(/-?[\d.]+/g).map(Math.abs)) + (line ? line[2] : 0) + 1;
        const stamp = make("canvas", { width: Math.ceil(2 * reach * scale), height: Math.ceil(2 * reach * scale) });
        const c = stamp.getContext("2d");
        c.setTransform(scale, 0, 0, scale, stamp.width / 2, stamp.height / 2);
        this.ink(c, new Path2D(outline), [fill, line], scale);
        return stamp;
      });
    }

    tile(hatch, scale) {
      return this.kept(`hatch ${hatch} ${scale}`, () => {
        const [, , width, side, lines] = hatch, tile = make("canvas", { width: Math.round(side * scale), height: Math.round(side * scale) });
        const c = tile.getContext("2d");
        c.scale(tile.width / side, tile.height / side);
        [c.strokeStyle, c.lineWidth, c.fillStyle] = [rgba(hatch), width, rgba(hatch)];
        c.stroke(new Path2D(lines));
        const pattern = c.createPattern(tile, "repeat");
        pattern.setTransform(new DOMMatrix().scale(side / tile.width));
        return pattern;
      });
    }

    kept(key, make) {
      if (!this.stamps.has(key)) this.stamps.set(key, make());
      return this.stamps.get(key);
    }
  }

  document.head.append(make("style", { textContent: STYLE }));
  customElements.define("course-film", CourseFilm);
})();
