#!/usr/bin/env bash
# Writes requirements/*.txt anew, with the newest versions that pyproject.toml allows and the hashes of every file of
# each, for Linux and all Pythons from 3.11. dev.txt has everything; run.txt is the part of it that the product, its
# demo and its build need, in the same versions.
set -euo pipefail
cd "$(dirname "$0")/.."

build_requirements() {
    python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")'
}

lock() { # lock FILE [OPTION...]: pyproject.toml and the build's requirements into FILE
    local file=$1
    shift
    build_requirements | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file "$file" "$@" pyproject.toml -
}

lock requirements/dev.txt --extra dev --extra bench --extra demo
lock requirements/run.txt --extra demo --constraints requirements/dev.txt
