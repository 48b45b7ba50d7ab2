# Sourced by the scripts beside it; not a program.  POSIX sh.
#
#   need_packages PACKAGE...   Debian packages, installed where they are missing
#   need_python runtime|dev    .venv with the locked Python packages and webvdi itself
#
# Both say what they do, do nothing the second time, and end the script with one clear line where
# they cannot.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || exit 1
venv=$root/.venv
bin=$venv/bin

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$(basename -- "$0"): $*"
    exit 1
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

need_packages() {
    command -v dpkg-query >/dev/null || {
        say "This host has no dpkg; these Debian packages, or the same by other names, are needed: $*"
        return 0
    }
    missing=
    for package in "$@"; do
        installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    line="apt-get install -y --no-install-recommends$missing"
    command -v apt-get >/dev/null || fail "these programs are needed:$missing (this host has no apt-get; install them in its own way)"
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        as_root=sudo
    else
        fail "run this line as root, then try again:  apt-get update && $line"
    fi
    say "Installing Debian packages:$missing"
    # shellcheck disable=SC2086  # the lists are meant to be split
    { $as_root apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive $as_root $line -qq; } >"$root/.setup.log" 2>&1 ||
        { tail -n 20 "$root/.setup.log" >&2; fail "the packages could not be installed: $as_root $line"; }
    rm -f "$root/.setup.log"
}

find_python() {
    for python in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        command -v "$python" >/dev/null &&
            "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
    done
    fail "Python 3.11 or newer is needed"
}

need_python() {
    lock=requirements/$1.lock
    "$bin/python" -m pip --version >/dev/null 2>&1 || {
        find_python
        "$python" -c 'import ensurepip' 2>/dev/null || need_packages python3-venv
        say "Making a Python environment in .venv"
        "$python" -m venv "$venv" || fail "$python -m venv $venv failed"
    }
    want=$(cat "$lock" pyproject.toml | sha256sum | cut -d ' ' -f 1)
    stamp=$venv/.webvdi-$1
    [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && return 0
    say "Installing Python packages from $lock"
    "$bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$lock" &&
        "$bin/python" -m pip install -q --disable-pip-version-check --no-deps -e . ||
        fail "the Python packages could not be installed"
    printf '%s\n' "$want" >"$stamp"
}

need_node() {
    # node and npm come with the Python packages; the tools they run are locked in package-lock.json.
    want=$(sha256sum <package-lock.json | cut -d ' ' -f 1)
    [ "$(cat node_modules/.webvdi 2>/dev/null)" = "$want" ] && return 0
    say "Installing JavaScript tools from package-lock.json"
    PATH=$bin:$PATH "$bin/npm" ci --silent --no-audit --no-fund || fail "npm ci failed"
    printf '%s\n' "$want" >node_modules/.webvdi
}
