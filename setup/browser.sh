#!/bin/bash
# The browser in which the live page is tested: the distribution's Chromium or, where that is a snap (Ubuntu),
# Playwright's own, inside .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -x /usr/lib/chromium/chromium ] || [ -n "$(apt-cache madison chromium 2>/dev/null)" ]; then
    exec setup/apt.sh setup/packages-browser.txt
fi
export PLAYWRIGHT_BROWSERS_PATH=0
if ! compgen -G ".venv/lib/python3*/site-packages/playwright/driver/package/.local-browsers/chromium*" >/dev/null; then
    echo "setup: installing Playwright's Chromium into .venv"
    .venv/bin/python -m playwright install --with-deps chromium
fi
