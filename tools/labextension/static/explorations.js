/* What the widgets of an exploration lack on a page, whether JupyterLab's, a slide's or the lecture's: a slider's name and value
   for who hears them, buttons that say whether they are down, and keys that move the slider and nothing else. On the lecture's
   page, besides, the end: a kernel goes when its page does, and a page whose kernel is gone says so. */
(() => {
  "use strict";
  if (globalThis.mlmkitExplorations) return;
  globalThis.mlmkitExplorations = true;

  const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "];
  const ASK_EVERY = 30_000; // milliseconds between two looks after the kernel

  const put = (element, name, value) => {
    if (element && value && element.getAttribute(name) !== value) element.setAttribute(name, value);
  };

  function describe(root) {
    put(root, "data-lm-suppress-shortcuts", "true");
    for (const row of root.querySelectorAll(".widget-slider, .widget-hslider")) {
      const label = row.querySelector(".widget-label")?.textContent.trim();
      for (const handle of row.querySelectorAll(".noUi-handle")) {
        put(handle, "aria-label", label);
        put(handle, "aria-valuetext", row.querySelector(".widget-readout")?.textContent.trim());
      }
      for (const readout of row.querySelectorAll("[contenteditable]")) {
        put(readout, "role", "textbox");
        put(readout, "aria-label", `${label}, as a number`);
      }
    }
    for (const group of root.querySelectorAll(".widget-toggle-buttons")) {
      put(group, "role", "group");
      put(group, "aria-label", group.querySelector(".widget-label")?.textContent.trim() || group.title || "choose one");
    }
    for (const button of root.querySelectorAll("button.widget-toggle-button"))
      put(button, "aria-pressed", String(button.classList.contains("mod-active")));
    for (const button of root.querySelectorAll(".mlmkit-presets button"))
      if (!button.title.startsWith("back")) put(button, "aria-pressed", String(button.classList.contains("mlmkit-on")));
    for (const button of root.querySelectorAll(".mlmkit-grid button")) put(button, "aria-label", button.title);
    for (const part of root.querySelectorAll(".mlmkit-picture, .widget-htmlmath"))
      if (part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight) put(part, "tabindex", "0"); // keys scroll it
  }

  const LOST = "Error displaying widget: model not found"; // what ipywidgets says where no kernel knows the widget

  function look() {
    document.querySelectorAll(".mlmkit-explorer, .mlmkit-lecture").forEach(describe);
    for (const output of document.querySelectorAll(".jp-OutputArea-output.jupyter-widgets"))
      if (output.textContent === LOST) output.dispatchEvent(new CustomEvent("mlmkit:still", { bubbles: true }));
  }

  function start() {
    let waiting = null;
    const soon = () => { waiting ??= setTimeout(() => { waiting = null; look(); }, 60); };
    new MutationObserver(soon).observe(document.body, {
      childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["class", "title"],
    });
    look();
    // Arrow keys turn slides and select cells; on a slider they move it.
    document.addEventListener("keydown", event => {
      if (MOVES.includes(event.key) && event.target.closest?.(".mlmkit-explorer .noUi-handle")) event.stopPropagation();
    });
    if (document.body.dataset.voila) lecture();
  }

  /** The lecture's page. */
  function lecture() {
    document.title = "Explorations of multilevel models";
    put(document.getElementById("rendered_cells"), "role", "main");
    const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
    const { baseUrl = "/", kernelId } = config;
    if (!kernelId) return;
    addEventListener("pagehide", () => navigator.sendBeacon(`${baseUrl}voila/api/shutdown/${kernelId}`));
    addEventListener("pageshow", event => { if (event.persisted) location.reload(); });
    const watch = setInterval(async () => {
      const answer = await fetch(`${baseUrl}api/kernels/${kernelId}`).catch(() => ({ status: 0 }));
      if (answer.status === 200) return;
      clearInterval(watch);
      document.querySelectorAll(".mlmkit-explorer").forEach(it => it.classList.add("jupyter-widgets-disconnected"));
    }, ASK_EVERY);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
