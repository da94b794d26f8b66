#!/bin/bash
# The player dash.js and a browser to play in, where the distribution has Chromium as a package (Ubuntu: a snap).
set -euo pipefail
cd "$(dirname "$0")/.."

[ -x /usr/lib/chromium/chromium ] || [ -n "$(apt-cache madison chromium 2>/dev/null)" ] || exit 0
setup/apt.sh setup/packages-browser.txt
.venv/bin/python setup/dashjs.py
