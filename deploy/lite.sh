#!/bin/sh
# JupyterLite, into the folder $1: the course's notebooks live in a browser, without any server of ours. The kernel
# (Pyodide) comes from its own content delivery network when a page is opened, so this is for the published book only.
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/env"
"$work/env/bin/pip" install --quiet "jupyterlite-core>=0.6" "jupyterlite-pyodide-kernel>=0.6" jupyterlab-server jupytext hatchling
"$work/env/bin/pip" wheel --quiet --no-deps --wheel-dir "$work/wheels" "$here"

# The chapters, each with a first cell that installs the package into the browser's Python.
mkdir -p "$work/files"
"$work/env/bin/python" - "$here/chapters" "$work/files" <<'PYTHON'
import json
import pathlib
import sys

source, target = map(pathlib.Path, sys.argv[1:])
install = {"cell_type": "code", "id": "install", "metadata": {}, "source": "%pip install -q mlmkit", "outputs": [], "execution_count": None}
for path in sorted(source.glob("[0-9]*.ipynb")):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"].insert(0, install)
    (target / path.name).write_text(json.dumps(notebook), encoding="utf-8")
PYTHON

cd "$work"
"$work/env/bin/jupyter" lite build --contents "$work/files" --piplite-wheels "$work"/wheels/mlmkit-*.whl --output-dir "$out" \
    --apps lab --no-unused-shared-packages
