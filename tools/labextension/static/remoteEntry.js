/* What the course adds to JupyterLab, on its slides too: predictions that are asked (predict.js), slides that the keyboard
   drives (slides.js), explorations for every reader (explorations.js), chapters that are not "changed" when they were only
   opened, links into another chapter that arrive. */
(() => {
  const NAME = "mlmkit";
  const here = document.currentScript.src;
  for (const file of ["predict.js", "slides.js", "explorations.js"])
    document.head.append(Object.assign(document.createElement("script"), { src: new URL(file, here).href }));

  /* jupyterlab_rise lacks a module that ipywidgets asks for: JupyterLab's console. The slides have no console, so a stand-in
     will do; it is offered only where the real module is missing, which is nowhere in JupyterLab itself. */
  const console = {
    "4.0.0": { from: NAME, eager: false, get: async () => () => ({ IConsoleTracker: { name: "none" } }) },
  };

  /* JupyterLab writes the kernel's name and version into every notebook it opens, and calls the notebook changed. Whoever
     only reads a chapter is not to be asked whether to save it. */
  const KERNEL_RECORDS = ["kernelspec", "language_info"];

  async function stayClean(panel) {
    await panel.context.ready;
    const model = panel.content.model;
    let [edited, recorded] = [model.dirty, false];
    model.metadataChanged.connect((_model, change) => {
      if (!KERNEL_RECORDS.includes(change.key)) return;
      recorded = true;
      setTimeout(() => { recorded = false; });
    });
    model.stateChanged.connect((_model, change) => {
      if (change.name !== "dirty") return;
      if (!change.newValue) edited = false;
      else queueMicrotask(() => {
        if (recorded && !edited) model.dirty = false;
        else edited = true;
      });
    });
  }

  /* An answer that opens is no change of the chapter either. */
  const panels = new Set();
  document.addEventListener("mlmkit:open", event => {
    for (const panel of panels) {
      const cell = panel.content.widgets.find(each => each.node.contains(event.target));
      if (!cell) continue;
      cell.syncCollapse = false;
      cell.outputHidden = false;
      event.preventDefault();
    }
  });

  /* An exploration of a notebook that was saved and opened again is no widget any more, but it left its picture. */
  document.addEventListener("mlmkit:still", event => {
    for (const panel of panels) {
      const cell = panel.content.widgets.find(each => each.node.contains(event.target));
      const place = [...(cell?.outputArea?.node.querySelectorAll(".jp-OutputArea-child") ?? [])].findIndex(each => each.contains(event.target));
      const output = place < 0 ? null : cell.outputArea.model.get(place);
      if (!output?.data["image/png"]) continue;
      const about = output.metadata["image/png"] ?? {};
      const picture = Object.assign(new Image(), { src: `data:image/png;base64,${output.data["image/png"]}`, alt: about.alt ?? "", width: about.width ?? 960 });
      const words = Object.assign(document.createElement("p"), { textContent: "A picture of an exploration: run its cell, and it moves." });
      picture.style.maxWidth = "100%";
      event.target.replaceChildren(picture, words);
    }
  });

  /* A link into a chapter that is not open yet ends at its top, since JupyterLab looks for the place before it is drawn. */
  document.addEventListener("click", event => {
    const link = event.target.closest?.("a[href*='.ipynb'][href*='#']");
    if (link) arriveAt(decodeURIComponent(link.hash.slice(1)));
  });

  function arriveAt(place) {
    let [patience, arrived] = [150, 0]; // looks, five a second: what is drawn later pushes the place away again
    const timer = setInterval(() => {
      const marks = document.querySelectorAll(`.jp-Notebook [data-jupyter-id="${CSS.escape(place)}"]`);
      const mark = [...marks].find(each => each.offsetParent);
      const window = mark?.closest(".jp-WindowedPanel-outer, .jp-Notebook").getBoundingClientRect();
      const { top, bottom } = mark?.getBoundingClientRect() ?? {};
      if (mark && top >= window.top && bottom <= window.bottom) arrived += 1;
      else {
        arrived = 0;
        mark?.scrollIntoView();
      }
      if (arrived > 10 || --patience < 0) clearInterval(timer);
    }, 200);
    for (const kind of ["wheel", "keydown"]) addEventListener(kind, () => clearInterval(timer), { once: true, capture: true });
  }

  function welcome(panel) {
    panels.add(panel);
    panel.disposed.connect(() => panels.delete(panel));
    stayClean(panel);
  }

  let modules; // what JupyterLab shares with its extensions: name → version → how to get it

  async function chapters() {
    const offered = Object.values(modules["@jupyterlab/notebook"] ?? {})[0];
    if (!offered) return { default: [] };
    const { INotebookTracker } = (await offered.get())();
    const activate = (_app, tracker) => tracker?.widgetAdded.connect((_tracker, panel) => welcome(panel));
    return { default: { id: `${NAME}:chapters`, autoStart: true, optional: [INotebookTracker], activate } };
  }

  globalThis._JUPYTERLAB ??= {};
  globalThis._JUPYTERLAB[NAME] = {
    init(scope) {
      modules = scope;
      scope["@jupyterlab/console"] ??= console;
    },
    async get() {
      const module = { __esModule: true, ...await chapters() };
      return () => module;
    },
  };
})();
