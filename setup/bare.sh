#!/bin/bash
# Set up on bare systems, and run the given make targets there, so that no package hides which this machine
# happens to have: debootstrap makes each suite's system in .vm/bare, and this checkout is copied into it.
#
#     SUITES="bookworm trixie" setup/bare.sh demo test
#
# As root. Packages come from where this machine's apt has its own; a suite that is not there is not tried.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/lib/apt

# The URI itself, or those in the list of mirrors that it names, as on GitHub's machines.
mirrors_of() {
    local list=${1#mirror+file:}
    if [ "$list" = "$1" ]; then
        echo "$1"
    else
        grep -oE '^https?://[^[:space:]]+' "${list%/}"
    fi
}

# The URI and the components of the source of this machine's apt that has a suite of the distribution's own.
source_of() {
    local uri mirror
    for uri in $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u); do
        for mirror in $(mirrors_of "$uri"); do
            if apt-helper -qq download-file "${mirror%/}/dists/$1/InRelease" .vm/bare/release 2>/dev/null &&
                grep -qE '^Origin: (Debian|Ubuntu)$' .vm/bare/release; then
                echo "$mirror" "$(apt-get indextargets --format '$(COMPONENT)' 'Created-By: Packages' \
                    "Repo-URI: $uri" | sort -u | paste -sd,)"
                return
            fi
        done
    done
    return 1
}

# How this machine reaches its sources and package indexes.
copy_network_settings() {
    local path
    for path in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/apt/apt.conf.d /usr/local/share/ca-certificates; do
        if [ -e "$path" ]; then
            mkdir -p "$1${path%/*}"
            cp -rL "$path" "$1${path%/*}/"
        fi
    done
}

make_system() {
    local suite=$1 root=$2 uri=$3 components=$4
    debootstrap --variant=minbase --components="$components" "$suite" "$root" "$uri" >"$root.log" ||
        { tail -n 20 "$root.log" >&2; return 1; }
    copy_network_settings "$root"
    mkdir "$root/emu"
    git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$root/emu"
}

# In mounts and processes of its own, and with nothing of this machine's environment but what it needs.
inside() {
    unshare --mount --pid --fork --kill-child bash -s "$@" <<'INSIDE'
set -euo pipefail
root=$1
shift
mount --bind "$root" "$root"  # its root is a mount of its own, as that of any system is
cd "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmp "$root/tmp"
mount -t tmpfs run "$root/run"
environment=(HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb)
for name in http_proxy https_proxy no_proxy TESTS; do
    [ -z "${!name:-}" ] || environment+=("$name=${!name}")
done
exec env -i "${environment[@]}" chroot "$root" sh -ec '
    apt-get -qq update
    # All that README.md asks for.
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends make >/dev/null
    cd /emu
    for target; do
        echo "== make $target"
        make "$target"
    done' sh "$@" </dev/null
INSIDE
}

[ "$#" -gt 0 ] || set -- demo test
rm -rf .vm/bare
mkdir -p .vm/bare
tried=()
for suite in ${SUITES:-bookworm trixie jammy noble}; do
    root=$PWD/.vm/bare/$suite
    if ! from=$(source_of "$suite"); then
        echo "test-bare: $suite is not tried: no source of this machine's apt has it"
        continue
    fi
    echo "test-bare: $suite: make $*"
    # shellcheck disable=SC2086
    make_system "$suite" "$root" $from
    inside "$root" "$@"
    rm -rf "$root"
    tried+=("$suite")
done
echo "test-bare: all went well on: ${tried[*]:-no system}"
[ "${#tried[@]}" -gt 0 ]
