/* What jupyterlab_rise's slides lack for ipywidgets to load there: JupyterLab's console module. The slides have no console,
   so a stand-in will do; it is offered only where the real module is missing, which is nowhere in JupyterLab itself. */
globalThis._JUPYTERLAB = globalThis._JUPYTERLAB || {};
globalThis._JUPYTERLAB["mlmkit-slides"] = {
  init(shared) {
    const standIn = { IConsoleTracker: { name: "none" } };
    shared["@jupyterlab/console"] ??= {
      "4.0.0": { from: "mlmkit-slides", eager: false, get: async () => () => standIn },
    };
  },
};
