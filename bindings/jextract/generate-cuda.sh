#!/bin/sh
# Generates the packages of NVIDIA's libraries again. Needs jextract 23 or newer on the PATH, or
# JEXTRACT naming it; README.md beside this file says where the headers come from.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$here/../src/generated/java
jextract=${JEXTRACT:-jextract}
site=${1:?usage: generate-cuda.sh FOLDER, which holds nvidia/cu13, nvidia/cudnn and nvidia/nccl}

generate() { # package, class, header, a folder of headers to look at first
  rm -rf "$out/nacre/bindings/$1"
  "$jextract" \
    --include-dir "$here/include" ${4:+--include-dir "$4"} \
    --include-dir "$site/nvidia/cu13/include" --include-dir "$site/nvidia/cudnn/include" \
    --target-package "nacre.bindings.$1" --header-class-name "$2" \
    --output "$out" "@$here/$1.includes" "$3"
  # Functions are looked for in the library that was opened, wherever it found it. And as
  # in generate.sh: no C long is bound, whose width is not the same everywhere.
  sed -i.orig \
    -e 's/= SymbolLookup\.loaderLookup()$/= nacre.bindings.symbols.OpenedLibraries.symbols("'"$1"'");/' \
    -e '/^ *\.or(Linker\.nativeLinker()\.defaultLookup());$/d' \
    -e '/ C_LONG = /d' "$out/nacre/bindings/$1"/*.java
  rm "$out/nacre/bindings/$1"/*.orig
}

generate cuda Cuda "$site/nvidia/cu13/include/cuda.h"
generate nvrtc Nvrtc "$site/nvidia/cu13/include/nvrtc.h"
generate cublaslt CublasLt "$site/nvidia/cu13/include/cublasLt.h"
generate cudnn Cudnn "$site/nvidia/cudnn/include/cudnn_graph.h"
generate nccl Nccl "$site/nvidia/nccl/include/nccl.h" "$here/include/nccl"
