#!/bin/sh
# Avahi on one host of a lab: offers a service on an interface, then says what it finds of all.
#
#   zeroconf.sh NAME INTERFACE SECONDS
#
# Hosts of a lab share the machine's files, so each gets a /run of its own, with a D-Bus of its own.
set -eu
PATH=$PATH:/usr/sbin:/sbin
name=$1 interface=$2 seconds=$3
if [ "${4:-}" != inside ]; then
    exec unshare --mount --pid --fork --kill-child "$0" "$@" inside
fi
mount -t tmpfs tmpfs /run
mount -t proc proc /proc
mkdir /run/dbus
cat >/run/avahi.conf <<END
[server]
host-name=$name
allow-interfaces=$interface
allow-point-to-point=yes
[publish]
publish-workstation=no
publish-hinfo=no
END
dbus-daemon --system --fork --nopidfile --nosyslog
avahi-daemon --file=/run/avahi.conf --no-drop-root --no-chroot --no-rlimits &
until avahi-browse --all --terminate >/run/tried 2>&1; do sleep 0.1; done
avahi-publish-service "$name" _http._tcp 80 &
timeout "$seconds" avahi-browse --parsable --resolve _http._tcp || true
