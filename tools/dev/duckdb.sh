#!/bin/sh
# duckdb.sh PREFIX: DuckDB's own build of its library, with the header of the same version, from the npm registry that npm
# is configured for. Both packages are pinned by version and SHA-256; nothing of them runs.
set -eu
prefix=${1:?usage: duckdb.sh PREFIX}
version=1.4.4
case $(uname -m) in
  x86_64) library=@duckdb/node-bindings-linux-x64@$version-r.1 library_hash=8ac460b152cd05a95065a414879bb09e40534b1fb7a80a7afe6969b6ce039029 ;;
  *) echo "no pinned DuckDB for this processor; install $version where the compiler finds it" >&2 && exit 1 ;;
esac
header=duckdb@$version header_hash=5bb967dcbcd517670ba5f169f238fb9d6787e53752c60ebe24386169d76941ed

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch() { # fetch PACKAGE HASH: its archive as $work/package.tgz
  name=$(cd "$work" && npm pack --silent --ignore-scripts "$1" | tail -1)
  mv "$work/$name" "$work/package.tgz"
  echo "$2  $work/package.tgz" | sha256sum --check --quiet -
}
rm -rf "$prefix"
mkdir -p "$prefix/include" "$prefix/lib"
fetch "$library" "$library_hash"
tar -xzf "$work/package.tgz" -C "$work" package/libduckdb.so package/LICENSE
mv "$work/package/libduckdb.so" "$prefix/lib/"
mv "$work/package/LICENSE" "$prefix/LICENSE"
fetch "$header" "$header_hash"
tar -xzf "$work/package.tgz" -C "$work" package/src/duckdb/src/include/duckdb.h
mv "$work/package/src/duckdb/src/include/duckdb.h" "$prefix/include/"
echo "$version" | tee "$prefix/complete"
