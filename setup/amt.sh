#!/bin/bash
# Add Linux's amt module to the kernel unpacked in .vm/root, if that has none: Debian's kernels leave it out. It is
# built from the distribution's own source of that kernel, one file of it, against its own headers.
set -euo pipefail
cd "$(dirname "$0")/../.vm"
kernel=$(ls root/lib/modules)
if modinfo -b root -k "$kernel" amt >/dev/null 2>&1; then
    exit 0
fi
series=$(cut -d. -f1-2 <<<"$kernel")
packages=("linux-headers-$kernel" "linux-headers-${kernel%-amd64}-common" "linux-kbuild-$series" "linux-source-$series")
if ! apt-cache show "${packages[@]}" >/dev/null 2>&1; then
    echo "test-vm: $kernel has no amt device, and the packages to build it are not to be had: ${packages[*]}"
    exit 0
fi
echo "test-vm: building amt for $kernel"
rm -rf build
mkdir -p build/packages build/amt
(cd build/packages && apt-get -q -o APT::Sandbox::User=root download "${packages[@]}")
for package in build/packages/linux-[hk]*.deb; do
    dpkg -x "$package" build
done
dpkg --fsys-tarfile build/packages/linux-source-*.deb | tar -xO "./usr/src/linux-source-$series.tar.xz" |
    tar -xJO "linux-source-$series/drivers/net/amt.c" >build/amt/amt.c
echo "obj-m := amt.o" >build/amt/Makefile
headers=$PWD/build/usr/src/linux-headers-$kernel
sed -i "s#/usr/src#$PWD/build/usr/src#" "$headers/Makefile"
make -C "$headers" M="$PWD/build/amt" modules
install -D build/amt/amt.ko "root/lib/modules/$kernel/extra/amt.ko"
depmod -b root "$kernel"
rm -rf build
