#!/usr/bin/env bash
# require.sh [--wanted] NAME...: makes sure that these are on the machine: python, openssl, node, npm, softhsm2-util,
# pkcs11-tool, qpdf, mutool, gs, pdftocairo, pdfsig, pdftoppm, pdftotext, soffice, chromium, contract-fonts. What is
# missing is installed when we are root on Debian or Ubuntu; otherwise we say what to install and fail; or, if it is
# only wanted, go on without it: the tests that need it are skipped, and say so.
# PYTHON names the Python that `python` is about (default: python3).
set -euo pipefail

python=${PYTHON:-python3}
failure=1
if [[ ${1:-} == --wanted ]]; then
    failure=0
    shift
fi

has() {
    case $1 in
        # ensurepip: Debian keeps the part of venv that installs pip in a package of its own.
        python) "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ;;
        # What contracts are set in: contract/documents/fonts.py.
        contract-fonts) has_font NotoSerifCJK-Regular.ttc && has_font NotoSerif-Italic.ttf ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

has_font() {
    [[ -n $(find /usr/share/fonts /usr/local/share/fonts -name "$1" -print -quit 2>/dev/null) ]]
}

package() {
    case $1 in
        python) echo "python3 python3-venv" ;;
        node) echo nodejs ;;
        softhsm2-util) echo softhsm2 ;;
        pkcs11-tool) echo opensc ;;
        mutool) echo mupdf-tools ;;
        gs) echo ghostscript ;;
        pdftocairo | pdfsig | pdftoppm | pdftotext) echo poppler-utils ;;
        soffice) echo libreoffice-writer-nogui ;;
        contract-fonts) echo "fonts-noto-cjk fonts-noto-core" ;;
        *) echo "$1" ;;
    esac
}

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get install --yes --quiet=2 --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" >/dev/null
}

missing=()
packages=()
for name in "$@"; do
    if ! has "$name"; then
        missing+=("$name")
        read -r -a wanted <<<"$(package "$name")"
        packages+=("${wanted[@]}")
    fi
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

if [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
    echo "Installing ${packages[*]}"
    # The package lists of a fresh machine are missing or old: then the first try fails.
    apt_install "${packages[@]}" 2>/dev/null || { apt-get update --quiet=2 && apt_install "${packages[@]}"; }
    still=()
    for name in "${missing[@]}"; do
        has "$name" || still+=("$name")
    done
    missing=("${still[@]}")
    [[ ${#missing[@]} -gt 0 ]] || exit 0
fi

for name in "${missing[@]}"; do
    if [[ $name == python ]]; then
        echo "Missing: Python 3.11 or newer with venv ($python is $("$python" --version 2>&1 || true));" \
            "another one: make PYTHON=python3.12" >&2
    elif [[ $name == contract-fonts ]]; then
        echo "Missing: the fonts that contracts are set in" >&2
    else
        echo "Missing: the program $name" >&2
    fi
done
echo "On Debian or Ubuntu: sudo apt-get install ${packages[*]}" >&2
exit "$failure"
