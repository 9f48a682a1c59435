#!/usr/bin/env bash
# Make sure that a Debian machine has the system packages for the parts named as arguments.
# Usage: system_packages.sh [python] [window] [screen]
# As root the missing packages are installed; otherwise the one command that installs them is printed.
set -euo pipefail

# Qt and OpenGL load these at run time; the wheels of PyQt6 and vispy do not carry them.
window=(
    libdbus-1-3 libegl1 libfontconfig1 libgl1 libgl1-mesa-dri libglib2.0-0 libopengl0 libx11-xcb1
    libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0
    libxcb-xinerama0 libxcb-xkb1 libxkbcommon-x11-0 libxkbcommon0
)
# A screen in memory for the window's tests.
screen=(xvfb xauth)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is not a Debian-like system: its packages are left to you (CONTRIBUTING.md lists them)." >&2
    exit 0
fi

is_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Any Python that can make an environment will do, from Debian or not.
has_python() {
    "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null
}

missing=()
for part in "$@"; do
    case $part in
        python) has_python || missing+=(python3 python3-venv) ;;
        window) for name in "${window[@]}"; do is_installed "$name" || missing+=("$name"); done ;;
        screen) for name in "${screen[@]}"; do is_installed "$name" || missing+=("$name"); done ;;
        *)
            echo "system_packages.sh knows the parts python, window and screen, not '$part'" >&2
            exit 2
            ;;
    esac
done
((${#missing[@]})) || exit 0

install=(apt-get install --yes --no-install-recommends "${missing[@]}")
if ((EUID == 0)); then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    "${install[@]}"
else
    echo "System packages are missing. Run this once, then make again:" >&2
    echo "  sudo apt-get update && sudo ${install[*]}" >&2
    exit 1
fi
