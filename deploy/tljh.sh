#!/bin/sh
# The Littlest JupyterHub on one Ubuntu machine, for a class: run as root after TLJH's own installer, in a clone.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
tljh-config set limits.memory 1.5G
tljh-config set limits.cpu 2
tljh-config set services.cull.timeout 3600
/opt/tljh/user/bin/python -m pip install -c "$here/constraints.txt" "$here[course]"
# Every student who logs in from now on finds the chapters at home: a new home begins as a copy of /etc/skel.
/opt/tljh/user/bin/python -c "from pathlib import Path; from mlmkit.course.folder import copy_course; print(copy_course(Path('/etc/skel/mlmkit')))"
mkdir -p /opt/mlmkit
/opt/tljh/user/bin/python -c "import mlmkit.course.lab as lab; print(lab.CONFIGURATION)" |
    xargs -I{} ln -sfn {} /opt/mlmkit/jupyter
cp "$here/deploy/tljh_config.py" /opt/tljh/config/jupyterhub_config.d/mlmkit.py
tljh-config reload
