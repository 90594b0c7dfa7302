"""The course on The Littlest JupyterHub: /opt/tljh/config/jupyterhub_config.d/mlmkit.py, put there by tljh.sh."""

c = get_config()  # noqa: F821  (JupyterHub gives it)

# One thread a kernel and one worker: two hundred students share the machine.
c.Spawner.environment = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "LOKY_MAX_CPU_COUNT": "1",
    "JUPYTER_CONFIG_PATH": "/opt/mlmkit/jupyter",
}
# A class logs in at the same minute; with a small limit the others would be turned away.
c.JupyterHub.concurrent_spawn_limit = 64
c.Spawner.default_url = "/lab/tree/mlmkit/chapters/00-start-here.ipynb"
