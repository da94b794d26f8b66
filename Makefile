# Every target does its own set-up and may be run again at any time; sudo is used only when not root.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
READY := .venv/.ready
# Labs wait most of the time: five of them on two CPUs. Tests that cannot bear it are marked "quiet".
SIDE_BY_SIDE := 5
TESTS ?= tests/unit tests/lab tests/kernel
BENCHMARKS := $(sort $(basename $(notdir $(wildcard bench/bench_*.py))))

.PHONY: help setup setup-demo demo lint browser test test-vm test-bare soak soak-overlay soak-overlay-hosts docs bench references compiled clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s  %s\n", $$1, $$2}' Makefile

setup: $(READY) ## Install the apt packages and .venv (Debian 12 and 13, Ubuntu 22.04 and 24.04)

$(READY): Makefile setup.cfg setup/apt.sh setup/packages.txt setup/python.sh
	setup/apt.sh setup/packages.txt
	setup/python.sh
	touch $@

setup-demo: setup ## Install what services of scenarios need: web servers, players
	setup/apt.sh setup/packages-demo.txt
	setup/dashjs.sh

demo: setup ## Run the quickstart scenario
	$(SUDO) $(PYTHON) -m emu run experiments/quickstart/scenario.yaml

lint: setup ## Check style, format and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

test: setup-demo lint browser ## Lint, then every test on the running kernel, five at a time
	$(SUDO) $(PYTHON) -m pytest -n $(SIDE_BY_SIDE) --dist loadfile --no-loadscope-reorder $(TESTS)

browser: setup
	setup/browser.sh

test-vm: setup-demo ## Kernel tests and the quickstart on a stock Debian kernel, in a virtual machine
	setup/apt.sh setup/packages-vm.txt
	$(SUDO) setup/vm.sh

test-bare: ## Set-up, the quickstart and all tests on bare systems, made with debootstrap
	setup/apt.sh setup/packages-bare.txt
	$(SUDO) setup/bare.sh demo test

soak: setup ## Run 5,000 random schedules of a multicast domain, a ring, an i3 group and an overlay in virtual time, on all CPUs
	$(PYTHON) -m tests.soak

soak-overlay: setup ## Half an hour of a stream to 64 members of an overlay that come and go, in virtual time
	$(PYTHON) -m tests.overlay_endurance --minutes 30

docs: setup ## Build the documentation site, build/site/docs/index.html, and check its links
	.venv/bin/sphinx-build --quiet --fail-on-warning --keep-going -c docs/site . build/site

soak-overlay-hosts: setup ## The same on 65 real hosts
	$(SUDO) $(PYTHON) -m tests.overlay_hosts_endurance --minutes 30

bench: setup ## Run the benchmarks
	@set -e; for benchmark in $(BENCHMARKS); do \
	    echo "== $$benchmark"; $(SUDO) $(PYTHON) -m "bench.$$benchmark"; done

references: setup ## Run the experiments of results/reference again, two hours in all (EXPERIMENTS="A B")
	$(SUDO) $(PYTHON) experiments/references.py $(EXPERIMENTS)

compiled: setup ## Compile the simulator of i3, which takes a minute, and check that it plays the same
	setup/apt.sh setup/packages-compiled.txt
	$(PYTHON) setup/compiled.py
	$(PYTHON) -m pytest -q tests/compiled

clean: ## Remove everything that set-up and tests made, but no results
	$(SUDO) rm -rf .venv .vm build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	$(SUDO) find . -name __pycache__ -prune -exec rm -rf {} +
