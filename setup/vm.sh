#!/bin/bash
# Boot the distribution's stock kernel in a virtual machine whose root is a copy-on-write view of this
# machine, and run setup/vm-guest.sh there; exit with its status. The kernel is unpacked from its package
# into .vm/, never installed; records go to .vm/results. Needs no KVM: emulation is about 13 times slower.
set -euo pipefail
cd "$(dirname "$0")/.."

# Unpack the image and the modules that the kernel's meta-package (Debian's or Ubuntu's) depends on.
unpack_kernel() {
    local meta=linux-image-amd64 packages=()
    [ -n "$(apt-cache search --names-only "^$meta\$")" ] || meta=linux-image-generic
    mapfile -t packages < <(apt-cache depends --recurse --important "$meta" |
        grep -E '^linux-(image|modules|modules-extra)-[0-9]' | sort -u)
    echo "test-vm: unpacking ${packages[*]}"
    rm -rf .vm
    mkdir -p .vm/packages .vm/unpacked
    (cd .vm/packages && apt-get -q -o APT::Sandbox::User=root download "${packages[@]}")
    for package in .vm/packages/*.deb; do
        dpkg -x "$package" .vm/unpacked
    done
    depmod -b .vm/unpacked "$(ls .vm/unpacked/lib/modules)"
    mv .vm/unpacked .vm/root
    setup/amt.sh
}

# /dev/kvm may exist and yet not run a machine, or run it for ever: let the kernel find that it has no root.
kvm_works() {
    [ -w /dev/kvm ] && timeout 30 qemu-system-x86_64 -accel kvm -cpu host -m 512M -display none -nodefaults \
        -no-reboot -kernel "$1" -append panic=-1 </dev/null >/dev/null 2>&1
}

if [ "$(uname -m)" != x86_64 ]; then
    echo "test-vm: boots amd64 kernels only, this machine is $(uname -m)" >&2
    exit 1
fi
[ -d .vm/root ] || unpack_kernel
[ -x .venv/bin/vng ] || .venv/bin/python -m pip install --quiet virtme-ng
mkdir -p .vm/results
kernel=$PWD/$(ls .vm/root/boot/vmlinuz-*)
options=(--run "$kernel" --root / --force-9p --overlay-rwdir="$PWD"
    --rwdir="$PWD/.vm/results" --cpus "$(nproc)" --memory 3G)
kvm_works "$kernel" || options+=(--disable-kvm)
echo "test-vm: vng ${options[*]}"
rm -f .vm/results/status
# Through a pipe: the guest would truncate a regular file that it is given as its output.
PATH="$PWD/.venv/bin:$PATH" vng "${options[@]}" --exec "$PWD/setup/vm-guest.sh" \
    </dev/null 2>&1 | cat || true
# The guest's own word for it: vng has one for whatever went wrong.
if [ ! -e .vm/results/status ]; then
    echo "test-vm: the guest did not come to its end" >&2
    exit 1
fi
exit "$(cat .vm/results/status)"
