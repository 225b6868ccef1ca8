# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts: messages, and the steps that several of them share.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
cache=$root/build/cache
me=${0##*/}

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() {
    printf '%s: error: %s\n' "$me" "$*" >&2
    exit 1
}

# A number of bytes, seconds or harts; anything else is a usage error.
need_number() {
    [[ $2 =~ ^[0-9]+$ ]] || die "$1=$2 is not a number"
}

# build_preset PRESET [DIRECTORY [CMAKE-ARGUMENT...]]: configures when needed, builds; output only
# on failure. TARGET=name builds only that target.
build_preset() {
    local preset=$1 directory=${2:-build/$1} log
    shift
    (($# == 0)) || shift
    mkdir -p "$directory"
    log=$directory/build.log
    if [[ ! -f $directory/build.ninja || $# -gt 0 ]]; then
        say "configuring $directory"
        cmake --preset "$preset" -B "$directory" "$@" >"$log" 2>&1 || {
            grep -vE '^(--|Preset CMake|  [A-Z_]+[:=])' "$log" >&2 || true
            die "configuring $directory failed (all of it: $log)"
        }
    fi
    say "building ${TARGET:+$TARGET in }$directory"
    cmake --build "$directory" --target "${TARGET:-all}" --parallel "${JOBS:-$(nproc)}" \
        >"$log" 2>&1 || {
        grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Re-checking)' "$log" >&2 || true
        die "building $directory failed (all of it: $log)"
    }
}
