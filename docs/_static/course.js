/* The web book's own behaviour: exercises that answer, folds on paper, and what the theme leaves undone for readers
   who use a keyboard or a screen reader. It needs nothing else and asks no other host for anything. */
(() => {
  "use strict";

  // ---- SHA-256 (FIPS 180-4), as bytes: a page opened over plain http has no crypto.subtle -----------------------

  const PRIMES = [];
  for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every(p => n % p)) PRIMES.push(n);
  const fraction = x => ((x - Math.floor(x)) * 2 ** 32) | 0;
  const K = PRIMES.map(p => fraction(Math.cbrt(p)));
  const H = PRIMES.slice(0, 8).map(p => fraction(Math.sqrt(p)));
  const turn = (x, n) => (x >>> n) | (x << (32 - n));

  function sha256(message) {
    const length = message.length, padded = new Uint8Array(((length + 72) >> 6) << 6);
    padded.set(message);
    padded[length] = 0x80;
    const view = new DataView(padded.buffer), words = new Int32Array(64), state = [...H];
    view.setUint32(padded.length - 4, 8 * length);
    for (let start = 0; start < padded.length; start += 64) {
      for (let t = 0; t < 64; t++) {
        if (t < 16) { words[t] = view.getInt32(start + 4 * t); continue; }
        const a = words[t - 15], b = words[t - 2];
        const s0 = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3), s1 = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
        words[t] = words[t - 16] + s0 + words[t - 7] + s1;
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let t = 0; t < 64; t++) {
        const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25), choose = (e & f) ^ (~e & g);
        const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22), most = (a & b) ^ (a & c) ^ (b & c);
        const first = (h + s1 + choose + K[t] + words[t]) | 0;
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + s0 + most) | 0];
      }
      [a, b, c, d, e, f, g, h].forEach((word, k) => { state[k] = (state[k] + word) | 0; });
    }
    const bytes = new DataView(new ArrayBuffer(32));
    state.forEach((word, k) => bytes.setInt32(4 * k, word));
    return new Uint8Array(bytes.buffer);
  }

  const utf8 = text => new TextEncoder().encode(text);
  const hex = bytes => [...bytes].map(byte => byte.toString(16).padStart(2, "0")).join("");

  /** Undo mlmkit.course.quiz._encipher: the content under a stream of hashes of the key. */
  function decipher(text, key) {
    const content = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    for (let start = 0; start < content.length; start += 32) {
      const block = sha256(new Uint8Array([...key, 0, start / 32]));
      for (let k = start; k < Math.min(start + 32, content.length); k++) content[k] ^= block[k - start];
    }
    return content;
  }

  // ---- exercises that answer ---------------------------------------------------------------------------------

  function element(tag, attributes = {}, ...children) {
    const it = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) it.setAttribute(name, value);
    it.append(...children);
    return it;
  }

  /** What was typed, as a number: "25%", "5/20" and "25.6 ms" are read as mlmkit.check.reading reads them. */
  function read(text) {
    const digits = "(?:\\d+(?:[.,]\\d+)?|[.,]\\d+)(?:e[-+]?\\d+)?";
    const shape = new RegExp(`^([-+]?${digits})\\s*(?:/\\s*(${digits}))?\\s*(%|per ?cent)?\\s*(?:[a-zµ°][a-zµ°²³/ .·]*)?$`, "i");
    const found = text.trim().replace(/[−–]/g, "-").match(shape);
    if (!found) return NaN;
    const number = part => Number(part.replace(",", "."));
    return number(found[1]) / (found[2] ? number(found[2]) : 1) / (found[3] ? 100 : 1);
  }

  /** A number as the page's answers are written: 25.593 → "2.56e+1" where three digits tell answers apart. */
  function written(text, digits) {
    const number = read(text);
    if (!Number.isFinite(number)) return null;
    const given = String(Math.abs(number)).replace(/e.*$/, "").replace(".", "").replace(/^0+/, "").length;
    return number.toExponential(Math.min(Math.max(given, 2), digits) - 1);
  }

  class Check extends HTMLElement {
    connectedCallback() {
      const { letters, kind } = this;
      this.said = element("p", { role: "status", class: "course-verdict" });
      this.form = element("form", { class: "course-form" });
      if (kind === "choice" || kind === "choices") this.form.append(this.choices(kind === "choice" ? "radio" : "checkbox", letters));
      else this.form.append(this.field());
      this.form.append(element("button", {}, "Check"));
      this.form.addEventListener("submit", event => { event.preventDefault(); this.judge(); });
      this.replaceChildren(this.form, this.said);
    }

    get kind() { return this.getAttribute("kind"); }
    get letters() { return this.getAttribute("letters"); }

    choices(type, letters) {
      const name = `exercise-${this.getAttribute("exercise")}`;
      const rows = [...letters].map(letter => element("label", {}, element("input", { type, name, value: letter }), ` (${letter})`));
      return element("fieldset", {}, element("legend", {}, this.getAttribute("prompt")), ...rows);
    }

    field() {
      const input = element("input", { type: "text", autocomplete: "off", spellcheck: "false" });
      if (this.kind === "number") input.inputMode = "decimal";
      return element("label", {}, `${this.getAttribute("prompt")} `, input);
    }

    answer() {
      const typed = this.form.querySelector("input[type=text]");
      if (!typed) {
        const chosen = [...this.form.querySelectorAll("input:checked")].map(input => input.value).join("");
        return this.kind === "choice" && !chosen ? null : chosen;
      }
      if (this.kind === "number") return written(typed.value, Number(this.getAttribute("digits")));
      return typed.value.toLowerCase().replace(/[\s"'_]/g, "").replace(/\.$/, "") || null;
    }

    judge() {
      const answer = this.answer();
      if (answer === null) {
        this.say("", this.kind === "number" ? "A number is asked for, like 0.25." : "Give an answer first.");
        return;
      }
      const { said, keys } = JSON.parse(this.getAttribute("sealed"));
      const secret = utf8(`${this.getAttribute("exercise")}|${answer}|`);
      const found = keys[hex(sha256(secret)).slice(0, 10)];
      if (!found) {
        this.say("wrong", `✗ ${this.getAttribute("otherwise")}`);
        return;
      }
      const sentence = new TextDecoder().decode(decipher(said[found[0]], decipher(found[1], secret)));
      this.say(sentence.startsWith("✓") ? "right" : "wrong", sentence);
    }

    say(kind, sentence) {
      this.said.className = `course-verdict ${kind}`;
      this.said.textContent = sentence;
    }
  }
  customElements.define("course-check", Check);

  // ---- readers with a keyboard, a screen reader, or paper ----------------------------------------------------------

  /** What scrolls sideways can be reached and scrolled by keyboard. */
  function reachable() {
    for (const it of document.querySelectorAll("article pre, mjx-container[display=true], article .output, article .table-wrapper, article .course-scroll")) {
      if (it.scrollWidth > it.clientWidth + 1) it.tabIndex = 0;
    }
  }

  /** The theme's landmarks get names, and its captions a rank. */
  function named() {
    document.querySelector("aside.sidebar-drawer")?.setAttribute("aria-label", "Chapters");
    document.querySelector("aside.toc-drawer")?.setAttribute("aria-label", "On this page");
    document.querySelectorAll("p.caption[role=heading]").forEach(it => it.setAttribute("aria-level", "2"));
    if (!document.querySelector("h1")) document.querySelector("article")?.prepend(element("h1", {}, "Search"));
  }

  function onPaper() {
    let opened = [];
    addEventListener("beforeprint", () => {
      opened = [...document.querySelectorAll("details:not([open]):not(.course-instructor)")];
      opened.forEach(it => { it.open = true; });
    });
    addEventListener("afterprint", () => opened.forEach(it => { it.open = false; }));
  }

  /** From a disk a page cannot read other pages, so a search shows titles and headings without excerpts. */
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS === "object") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  addEventListener("DOMContentLoaded", () => {
    named();
    onPaper();
    reachable();
    document.addEventListener("toggle", reachable, true);
    addEventListener("resize", reachable);
    addEventListener("load", () => setTimeout(reachable, 1500));
  });
})();
