# SPDX-License-Identifier: Apache-2.0
# A thin front: the scripts set up, CMake builds, ctest tests.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: run run-linux plan-view test mutants coverage bench debug soak format help clean

# What may be given as `make run NAME=value` or in the environment.
export FIRMWARE SMP MEM QEMU CPU APPEND HOURS PORT JOBS PLINTH_PMP_LIMIT PLINTH_ALLOW_UNPINNED

run:
	@scripts/setup || { echo "demo: FAIL: set-up failed"; exit 1; }
	@scripts/run

run-linux:
	@scripts/setup --linux && scripts/run-linux

plan-view:
	@scripts/setup && scripts/plan-view

test:
	@scripts/setup --linux && scripts/test

bench:
	@scripts/setup --linux && scripts/bench $(BENCH)

coverage:
	@scripts/setup && scripts/coverage

mutants:
	@scripts/setup && scripts/mutants $(if $(ROTATE),--rotate $(ROTATE))

debug:
	@scripts/setup && scripts/gdb

soak:
	@scripts/setup --linux && scripts/soak

format:
	@scripts/setup && scripts/format

clean:
	@scripts/clean

help:
	@sed -n '/^# HELP/,$$s/^# \{0,1\}//p' Makefile | tail -n +2

# HELP
# Plinth: a RISC-V monitor that deprivileges the firmware and runs enclaves beside it.
#
#   make run        set up, build, boot QEMU virt, run an enclave, verify its report
#   make run-linux  a Linux shell above OpenSBI above the monitor
#   make plan-view  what firmware and host may access on each hart, as the monitor says
#   make test       set up, then every test: native, QEMU virt, VisionFive 2 image
#   make bench      instruction counts, with and without the monitor; build/bench.json
#   make coverage   which lines of the monitor the native tests reach; fails below 95 %
#   make mutants    break the sources, one patch after the other: do the tests notice?
#   make debug      boot halted, with a gdb port; prints the gdb-multiarch line
#   make soak       repeat the tests in random order for HOURS (default 1)
#   make format     clang-format over all sources
#   make clean      remove build/ except what was downloaded
#
# Variables (make run SMP=4):
#   FIRMWARE=FILE            firmware to deprivilege; default OpenSBI 1.6
#   SMP=2  MEM=256M          harts and memory of the machine
#   APPEND=quiet             adds to the kernel's command line (run-linux)
#   CPU=rv64,sstc=off        QEMU's -cpu; QEMU=FILE names another emulator
#   PLINTH_PMP_LIMIT=8       use at most so many PMP entries
#   ROTATE=20                so many mutants only, others with every commit
#   PORT=1234                gdb port of make debug
#   BENCH=--strict           arguments of scripts/bench, e.g. BENCH='--rows vm'
#   JOBS=2                   parallel compiler and test jobs
#   PLINTH_ALLOW_UNPINNED=1  build from sources other than scripts/sources.lock
