#!/usr/bin/env bash
# Create a virtual environment with a pip that knows dependency groups. Usage: environment.sh PYTHON FOLDER
set -euo pipefail

python=$1
folder=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "napari-seamless needs Python 3.11 or later and '$python' is not: call make PYTHON=/path/to/python3.11" >&2
    exit 1
fi
[[ -x $folder/bin/python ]] || "$python" -m venv "$folder"
if ! "$folder/bin/python" -m pip install --help | grep -q -- --group; then
    "$folder/bin/python" -m pip install --upgrade "pip>=25.1"
fi
