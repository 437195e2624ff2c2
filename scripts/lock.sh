#!/usr/bin/env bash
# Writes requirements/*.txt anew, with the newest versions that pyproject.toml allows and the hashes of every file of
# each, for Linux and all Pythons from 3.11. dev.txt has everything but what crypto_mb.txt has, which is what that engine
# needs, alone; run.txt is the part of dev.txt that the product, its demo and its build need, in the same versions.
# pip.txt has the pip that installs the others.
set -euo pipefail
cd "$(dirname "$0")/.."

listed() { # listed KEY...: the requirements that stand below these keys of pyproject.toml
    python3 -c 'import functools, sys, tomllib
print(*functools.reduce(dict.get, sys.argv[1:], tomllib.load(open("pyproject.toml", "rb"))), sep="\n")' "$@"
}

lock() { # lock FILE [OPTION...] SOURCE...: these sources into FILE
    local file=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file "$file" "$@"
}

listed build-system requires |
    lock requirements/dev.txt --extra dev --extra bench --extra demo --extra pkcs11 --extra terminal pyproject.toml -
listed build-system requires |
    lock requirements/run.txt --extra demo --extra pkcs11 --extra terminal --constraints requirements/dev.txt pyproject.toml -
echo pip | lock requirements/pip.txt -
listed project optional-dependencies crypto-mb | lock requirements/crypto_mb.txt -
