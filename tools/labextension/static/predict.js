/* Predictions: asked before they are answered. One file for JupyterLab, its slides and the web book; it needs nothing else.

What it looks for (any page may hold it; tools/notebooks.py sees to it that every chapter does):

  question   A paragraph that begins with a bold "Predict.", and what follows it up to a heading or a fold. If it offers
             "(a)", "(b)" …, each becomes a button; if it does not, a field to type a guess into follows it.
  answer     <details class="answer"><summary>…</summary> … </details>, and in JupyterLab also a code cell whose output is
             stored hidden. An answer belongs to the last question before it.
  feedback   Items of a list in an answer. "(b) …" is for who chose (b); "below 8 …", "8 to 13 …" and "above 13 …" are for
             who typed such a number. The item that fits is marked with the class "mine".

Choosing or typing commits: the question says what was predicted, its answers open, and the session remembers it.
On slides, where an answer never shares a slide with its question, answers are open from the start.
Without this script an answer is a fold that opens with a click. */
(() => {
  "use strict";
  if (globalThis.mlmkitPredictions) return;
  globalThis.mlmkitPredictions = true;

  const QUESTION = "p > strong:first-child";
  const ANSWER = "details.answer, .jp-OutputPlaceholder";
  const ENDS = "h1, h2, h3, h4, h5, h6, details, hr, .cell";
  const OPTION = /\(([a-e])\)/;
  const NUMBER = "([-−]?\\d+(?:[.,]\\d+)?)";
  const STORE = "mlmkit-prediction:";

  const STYLE = `
    .predict-option, .predict-guess button {
      min-width: 2.4em; min-height: 1.9em; padding: 0 .5em; margin: .1em .15em; font: inherit; cursor: pointer;
      color: inherit; background: transparent; border: 1px solid currentColor; border-radius: .35em; }
    .predict-option[aria-pressed=true] { color: #fff; background: #0072b2; border-color: #0072b2; }
    .predict-option:focus-visible, .predict-guess :focus-visible { outline: 3px solid #0072b2; outline-offset: 2px; }
    .predict-guess { margin: .4em 0; }
    .predict-guess input { width: 10em; max-width: 60%; min-height: 1.7em; padding: 0 .4em; font: inherit; color: inherit;
      background: transparent; border: 1px solid currentColor; border-radius: .35em; }
    .predict-said { display: block; min-height: 1.5em; font-style: italic; }
    details.answer { margin: .6em 0; padding: 0 .9em; border-left: 4px solid #0072b2; }
    details.answer > summary { cursor: pointer; font-weight: 600; padding: .35em 0; }
    details.answer li.mine { border-left: 4px solid #d55e00; padding-left: .5em; margin-left: -.5em; font-weight: 600; }
    .predict-hidden .jp-OutputPlaceholder .jp-PlaceholderText { display: none; }
    .predict-hidden .jp-OutputPlaceholder .jp-Placeholder-contentContainer::before {
      content: "folded until you have predicted; click to see it"; font-style: italic; opacity: .8; }`;

  const slides = () => document.body.classList.contains("rise-enabled");
  const questions = new WeakMap(); // paragraph → its question
  const opened = new WeakSet(); // answers that were opened once: who folds one again finds it folded

  /** All that a question is: its blocks of text, its key in the session, its buttons, its line of reply. */
  function ask(paragraph) {
    const blocks = [paragraph];
    for (let next = paragraph.nextElementSibling; next && !next.matches(ENDS) && !begins(next); next = next.nextElementSibling)
      blocks.push(next);
    const question = { key: STORE + words(blocks), buttons: {}, answers: [], said: document.createElement("span") };
    question.said.className = "predict-said";
    question.said.setAttribute("role", "status");
    const offered = options(blocks);
    if (offered.length > 1) {
      for (const [letter, text, at] of offered.reverse()) question.buttons[letter] = button(question, letter, text, at);
      const last = blocks.findLast(block => block.querySelector(".predict-option"));
      last.after(question.said);
    } else {
      const form = field(question);
      blocks.at(-1).after(form, question.said);
    }
    return question;
  }

  const begins = element => element.matches("p") && element.firstElementChild?.textContent === "Predict." &&
    !element.firstElementChild.previousSibling?.textContent.trim();

  /** The question's words without its formulas, which are typeset at some time and read differently then. */
  function words(blocks) {
    return blocks.map(block => {
      const copy = block.cloneNode(true);
      copy.querySelectorAll("mjx-container, .MathJax, .math").forEach(formula => formula.remove());
      return copy.textContent.replace(/\$\$[^]*?\$\$|\$[^$]*\$/g, "");
    }).join(" ").replace(/\s+/g, " ").trim();
  }

  /** Where "(a)", "(b)" … stand first in running text: [letter, text node, place], in order from (a). */
  function options(blocks) {
    const found = {};
    for (const block of blocks) {
      const walk = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
      for (let text = walk.nextNode(); text; text = walk.nextNode()) {
        if (text.parentElement.closest("code, pre, a, button, mjx-container, .MathJax, .math")) continue;
        for (const match of text.data.matchAll(new RegExp(OPTION, "g"))) {
          const inFormula = (text.data.slice(0, match.index).match(/\$/g) ?? []).length % 2;
          if (!inFormula) found[match[1]] ??= [match[1], text, match.index];
        }
      }
    }
    const letters = [..."abcde"];
    const missing = letters.findIndex(letter => !(letter in found));
    return letters.slice(0, missing < 0 ? letters.length : missing).map(letter => found[letter]);
  }

  function button(question, letter, text, at) {
    const it = document.createElement("button");
    it.type = "button";
    it.className = "predict-option";
    it.textContent = `(${letter})`;
    it.setAttribute("aria-pressed", "false");
    it.addEventListener("click", () => commit(question, letter));
    keepKeys(it);
    const rest = text.splitText(at);
    rest.data = rest.data.slice(3);
    rest.before(it);
    return it;
  }

  function field(question) {
    const form = document.createElement("form");
    form.className = "predict-guess";
    form.innerHTML = '<label>Your prediction: <input type="text" autocomplete="off"></label> <button>Predict</button>';
    question.input = form.querySelector("input");
    form.addEventListener("submit", event => {
      event.preventDefault();
      if (question.input.value.trim()) commit(question, question.input.value.trim());
    });
    keepKeys(form);
    return form;
  }

  /** What is typed here is neither a shortcut of the notebook nor a turn of the page. */
  function keepKeys(element) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
    for (const kind of ["keydown", "keypress", "keyup"]) element.addEventListener(kind, event => event.stopPropagation());
  }

  function commit(question, prediction) {
    remember(question.key, prediction);
    show(question, prediction);
    question.answers.forEach(answer => open(answer, prediction));
  }

  function show(question, prediction) {
    for (const [letter, it] of Object.entries(question.buttons)) it.setAttribute("aria-pressed", String(letter === prediction));
    if (question.input && !question.input.value) question.input.value = prediction;
    const chosen = prediction in question.buttons ? `(${prediction})` : prediction;
    const where = slides() || !question.answers.length ? "" : " The answer is open below.";
    const said = `You predicted ${chosen}.${where}`;
    if (question.said.textContent !== said) question.said.textContent = said;
  }

  function open(answer, prediction) {
    opened.add(answer);
    if (!answer.matches("details")) {
      // JupyterLab shows an output again when its stand-in is clicked; remoteEntry.js does it without marking the notebook changed
      if (answer.dispatchEvent(new CustomEvent("mlmkit:open", { bubbles: true, cancelable: true }))) answer.click();
      return;
    }
    answer.open = true;
    for (const item of answer.querySelectorAll("li")) item.classList.toggle("mine", fits(item.textContent.trim(), prediction));
  }

  /** Whether a piece of feedback is for this prediction. */
  function fits(item, prediction) {
    if (prediction === null) return false;
    const option = item.match(/^\(([a-e])\)/);
    if (option) return option[1] === prediction;
    const [guess] = numbers(prediction);
    if (guess === undefined) return false;
    const range = item.match(new RegExp(`^(?:below|above|${NUMBER} to) ${NUMBER}`));
    if (!range) return false;
    const [low, high] = range[1] ? numbers(`${range[1]} ${range[2]}`)
      : item.startsWith("below") ? [-Infinity, numbers(range[2])[0]] : [numbers(range[2])[0], Infinity];
    return range[1] ? low <= guess && guess <= high : low < guess && guess < high;
  }

  const numbers = text => (text.match(new RegExp(NUMBER, "g")) ?? []).map(found => Number(found.replace("−", "-").replace(",", ".")));

  function remember(key, prediction) {
    try { sessionStorage.setItem(key, prediction); } catch { /* a page that may store nothing forgets */ }
  }

  function recall(key) {
    try { return sessionStorage.getItem(key); } catch { return null; }
  }

  /** Go through the page in its order: make questions of what asks, give each the answers that follow it. */
  function look() {
    let question = null, root = null;
    for (const element of document.querySelectorAll(`${QUESTION}, ${ANSWER}`)) {
      const notebook = element.closest(".jp-Notebook");
      if (notebook !== root) [question, root] = [null, notebook];
      if (element.matches("strong")) {
        if (!begins(element.parentElement)) continue;
        const paragraph = element.parentElement;
        if (!questions.has(paragraph)) questions.set(paragraph, ask(paragraph));
        question = questions.get(paragraph);
        question.answers = [];
      } else if (question) {
        question.answers.push(element);
        element.closest(".jp-CodeCell")?.classList.add("predict-hidden");
        const prediction = recall(question.key);
        if (prediction !== null) show(question, prediction);
        if ((prediction !== null || slides()) && !opened.has(element)) open(element, prediction);
      }
    }
  }

  function start() {
    document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
    let waiting = null;
    const soon = () => { waiting ??= setTimeout(() => { waiting = null; look(); }, 100); };
    new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
    look();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
