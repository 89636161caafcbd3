# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash

# `pwd -P`: the paths below end up in executables, which must not depend on a symlink.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${GPT_NVIM_CACHE:-$root/.cache}

# Exit status of something that this kind of machine cannot do, as opposed to something that failed (1).
# shellcheck disable=SC2034 # for the scripts that source this file
readonly CANNOT=3

say() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

die() {
  say "$*"
  exit 1
}

cannot() {
  say "$*"
  exit "$CANNOT"
}

has() {
  command -v "$1" >/dev/null 2>&1
}

need_cargo() {
  has cargo || die "No cargo. Install Rust (rustup, or your system's package of Rust ≥ 1.88), then try again."
}

# pip_install NAME FOLDER: installs the pinned wheel NAME of scripts/wheels.txt, and nothing else, into FOLDER.
pip_install() {
  local pin
  has python3 || cannot "No python3, which fetches $1. Install Python 3 with pip, then try again."
  python3 -m pip --version >/dev/null 2>&1 || cannot "No pip for $(command -v python3), which fetches $1. Install it, then try again."
  pin=$(mktemp)
  grep "^$1==" "$root/scripts/wheels.txt" >"$pin"
  PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet --require-hashes \
    --only-binary :all: --no-deps --target "$2" --requirement "$pin" >&2 || {
    rm -f "$pin"
    return 1
  }
  rm -f "$pin"
}

# lock NAME: waits until no other script holds NAME; held until this script exits.
lock() {
  mkdir -p "$cache"
  exec 9>"$cache/$1.lock"
  if has flock; then flock 9; fi
}
