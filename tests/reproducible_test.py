#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X-14: a copy of the sources in a directory of another name, built by somebody else as far as a
build can tell (time, time zone, language, user, umask, number of jobs), gives the same bytes.

  reproducible_test.py --build DIR

DIR is the build tree that is there already; its switches are taken over. ccache is switched off:
it might hand out the other build's objects."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTPUTS = ("plinth.bin", "plinth.sha3", "plinth-opensbi.bin")
SWITCHES = r"^((?:PLINTH_(?!TOOL_|CXX)\w+|FIRMWARE|CMAKE_BUILD_TYPE):\w+=.*)$"
ENVIRONMENT = {
    "SOURCE_DATE_EPOCH": "86400",
    "TZ": "Pacific/Chatham",
    "LANG": "C",
    "LC_ALL": "POSIX",
    "USER": "somebody",
    "LOGNAME": "somebody",
    "HOSTNAME": "elsewhere",
    "CCACHE_DISABLE": "1",
}


def environment(work):
    clean = {
        name: value
        for name, value in os.environ.items()
        if not re.match(r"CCACHE_|CMAKE_|LC_|C(XX)?FLAGS|PLINTH_", name)
    }
    return clean | ENVIRONMENT | {"HOME": str(work), "TMPDIR": str(work)}


def build_elsewhere(build, work):
    """Copies the tree and builds its image; returns where."""
    tree = work / "another-directory-with-a-name-of-its-own"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build", ".git"))
    (tree / "build").mkdir()
    (tree / "build" / "cache").symlink_to((ROOT / "build" / "cache").resolve())
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    switches = [f"-D{line}" for line in re.findall(SWITCHES, cache, re.MULTILINE)]
    elsewhere = work / "out"
    toolchain = tree / "toolchain" / "riscv64.cmake"
    commands = (
        ["cmake", "-S", tree, "-B", elsewhere, "-G", "Ninja", "--toolchain", toolchain, *switches],
        ["cmake", "--build", elsewhere, "--parallel", "3", "--target", "plinth-image"],
    )
    for command in commands:
        done = subprocess.run(
            list(map(str, command)),
            cwd=work,
            env=environment(work),
            umask=0o077,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"reproducible: {command[0]} fails elsewhere:\n{done.stdout[-3000:]}")
    return elsewhere


def difference(first, second):
    """Where two files differ, or None."""
    if first == second:
        return None
    places = [i for i, (a, b) in enumerate(zip(first, second)) if a != b]
    sizes = f"{len(first)} and {len(second)} bytes"
    return f"{sizes}, {len(places)} differ, first at {hex(places[0]) if places else 'the end'}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--build", type=pathlib.Path, required=True)
    build = parser.parse_args().build.resolve()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        elsewhere = build_elsewhere(build, pathlib.Path(work))
        problems = []
        for name in OUTPUTS:
            here, there = (build / name).read_bytes(), (elsewhere / name).read_bytes()
            found = difference(here, there)
            if not here or found:
                problems.append(f"{name}: {found or 'is empty'}")
            print(f"{name}: {len(here)} bytes, {found or 'the same'}")
        if (build / "plinth.elf").read_bytes() == (elsewhere / "plinth.elf").read_bytes():
            problems.append("plinth.elf holds no directory: was this another one?")
    if problems:
        sys.exit("reproducible: FAIL: " + "; ".join(problems))


if __name__ == "__main__":
    main()
