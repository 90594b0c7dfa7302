#!/bin/sh
# The Littlest JupyterHub on one Ubuntu machine, for a class: run as root after TLJH's own installer, in a clone.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
tljh-config set limits.memory 1.5G
tljh-config set limits.cpu 2
tljh-config set services.cull.timeout 3600
/opt/tljh/user/bin/python -m pip install -c "$here/constraints.txt" "$here[course]"
mkdir -p /opt/mlmkit
/opt/tljh/user/bin/python -c "import mlmkit.course.lab as lab; print(lab.CONFIGURATION)" |
    xargs -I{} ln -sfn {} /opt/mlmkit/jupyter
cp "$here/deploy/tljh_config.py" /opt/tljh/config/jupyterhub_config.d/mlmkit.py
tljh-config reload
