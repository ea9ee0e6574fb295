#!/bin/sh
# Generates the packages of src/generated/java again. Needs jextract 23 or newer on the PATH, or
# JEXTRACT naming it, and unzip; README.md beside this file says how each command came about.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$here/../src/generated/java
jextract=${JEXTRACT:-jextract}
jar=${1:?usage: generate.sh dnnl-VERSION-linux-x86_64.jar}

headers=$(mktemp -d)
trap 'rm -rf "$headers"' EXIT
unzip -q "$jar" 'org/bytedeco/dnnl/*/include/*' -d "$headers"
include=$(echo "$headers"/org/bytedeco/dnnl/*/include)

# Beside the old ones, which go only when the new ones are there.
new=$headers/java
"$jextract" \
  --include-dir "$here/include" --include-dir "$include" \
  --target-package nacre.bindings.onednn --header-class-name Dnnl \
  --output "$new" "@$here/onednn.includes" \
  "$include/oneapi/dnnl/dnnl.h" "$include/oneapi/dnnl/dnnl_debug.h"

# jextract writes down the width that a C long has where it runs. Nothing bound here is a long
# (include/stddef.h sees to that), and on Windows the line would end in a ClassCastException.
sed -i.orig '/ C_LONG = /d' "$new"/nacre/bindings/onednn/*.java
rm "$new"/nacre/bindings/onednn/*.orig

rm -rf "$out/nacre/bindings/onednn"
mv "$new/nacre/bindings/onednn" "$out/nacre/bindings/"
