#!/bin/bash
# Inside the virtual machine of `make test-vm`: everything that depends on the kernel, on a stock one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# The guest's home directory is read-only.
export HOME=/tmp/home PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
mkdir -p "$HOME"
status=0

step() {
    echo "== $* ($(uname -r), up $(cut -d. -f1 /proc/uptime) s)"
    timeout 7200 "$@"
    local ended=$?
    [ "$ended" -eq 0 ] || [ "$ended" -eq "${also:-0}" ] || { echo "== failed with status $ended: $*"; status=1; }
}

step modprobe -a ip6_tunnel sch_netem sch_htb sch_tbf openvswitch veth tun
step .venv/bin/python -m emu doctor
step .venv/bin/python -m pytest -p no:cacheprovider tests/kernel
if modinfo amt >/dev/null 2>&1; then
    step modprobe amt
    step .venv/bin/python -m pytest -p no:cacheprovider tests/kernel/amt_device.py
fi
# 4: done, but an emulated machine seldom keeps up.
also=4 step .venv/bin/python -m emu run --out .vm/results experiments/quickstart/scenario.yaml
step grep -A 4 '"backends"' .vm/results/quickstart/latest/record.json
echo "== the guest ends with status $status"
echo "$status" >.vm/results/status
exit "$status"
