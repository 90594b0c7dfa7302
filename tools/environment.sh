#!/bin/sh
# Make the project's own environment in the folder $1: with uv where it is there, else with venv and pip.
set -eu
folder=$1
extras='.[course,lecture,site,test]'
bin=$folder/bin

supported() {  # is this a Python that the kit runs on?
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if command -v uv >/dev/null 2>&1; then
    echo "Making $folder with uv …"
    uv venv --quiet --clear --python '>=3.11' "$folder"
    uv pip install --quiet --python "$bin/python" --constraint constraints.txt --editable "$extras"
    exit
fi

for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if supported "$python"; then
        echo "Making $folder with $python and pip (a minute or two the first time) …"
        "$python" -m venv --clear "$folder" || {
            echo "$python cannot make environments: install its venv module (Debian: apt-get install python3-venv)." >&2
            exit 1
        }
        "$bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable "$extras"
        exit
    fi
done
echo "mlmkit needs Python 3.11 or later; none was found. uv (docs.astral.sh/uv) brings one." >&2
exit 1
