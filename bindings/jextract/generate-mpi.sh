#!/bin/sh
# Generates the packages of MPI again. Needs jextract 23 or newer on the PATH, or JEXTRACT naming
# it; README.md beside this file says where the headers come from.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$here/../src/generated/java
jextract=${JEXTRACT:-jextract}
usage='usage: generate-mpi.sh ABI_FOLDER OPENMPI_FOLDER, each with its mpi.h'
abi=${1:?$usage}
openmpi=${2:?$usage}

generate() { # package, class, folder of mpi.h
  rm -rf "$out/nacre/bindings/$1"
  "$jextract" \
    --include-dir "$here/include" --include-dir "$3" \
    --target-package "nacre.bindings.$1" --header-class-name "$2" \
    --output "$out" "@$here/$1.includes" "$3/mpi.h"
  # As in generate-cuda.sh.
  sed -i.orig \
    -e 's/= SymbolLookup\.loaderLookup()$/= nacre.bindings.symbols.OpenedLibraries.symbols("'"$1"'");/' \
    -e '/^ *\.or(Linker\.nativeLinker()\.defaultLookup());$/d' \
    -e '/ C_LONG = /d' "$out/nacre/bindings/$1"/*.java
  rm "$out/nacre/bindings/$1"/*.orig
}

generate mpi Mpi "$abi"
generate openmpi OpenMpi "$openmpi"
