#!/bin/bash
# Make .venv: the distribution's Python (Mininet's package comes from apt), this project, and Ryu.
set -euo pipefail
cd "$(dirname "$0")/.."

pip() {
    .venv/bin/python -m pip --quiet --disable-pip-version-check "$@"
}

# Ryu 4.34's setup.py runs with old setuptools only, and those run with Python < 3.12 only.
if /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then
    ryu=ryu==4.34
    setuptools='setuptools>=64,<67'
else
    ryu=
    setuptools='setuptools>=68'  # also for distutils, which Mininet imports
fi

echo "setup: installing Python packages into .venv, which takes a minute or more"
/usr/bin/python3 -m venv --system-site-packages .venv
pip install "$setuptools" wheel
pip install --no-build-isolation --editable '.[docs,test]'
if [ -n "$ryu" ] && pip install --no-build-isolation "$ryu"; then
    echo "setup: the OpenFlow controller is Ryu"
else
    echo "setup: Ryu cannot be installed with $(.venv/bin/python -V);" \
        "the OpenFlow controller is os-ken, its maintained fork"
fi
