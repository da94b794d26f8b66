#!/bin/bash
# Install the Debian or Ubuntu packages that the given lists name and this machine lacks.
# Touches neither apt nor the network when there is nothing to install.
set -euo pipefail

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -q -o DPkg::Lock::Timeout=600 "$@"
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v apt-get >/dev/null; then
    echo "setup: no apt-get here: install the equivalents of $* by hand" >&2
    exit 1
fi
missing=()
while read -r package _; do
    installed "$package" || missing+=("$package")
done < <(grep -hE '^[a-z0-9]' "$@")
[ "${#missing[@]}" -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    user=$(id -un)
    echo "setup: you are not root, and there is no sudo to become it: as root," \
        "'apt-get install sudo && adduser $user sudo', then log in as $user again" >&2
    exit 1
fi
echo "setup: installing ${missing[*]}"
apt_get update || echo "setup: apt-get update failed, going on with the package lists at hand" >&2
apt_get install -y --no-install-recommends "${missing[@]}"
