#!/bin/sh
# Builds the core module $1 by the compiler $CC; $2 is a folder for what can be kept.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# The WIT of wasi:http 0.2 comes with the crate that the guests in Rust use.
wit=$(cargo metadata --quiet --format-version 1 --manifest-path "$here/../p2/Cargo.toml" |
    sed -n 's/.*"manifest_path":"\([^"]*wasip2-2[^"]*\)Cargo.toml".*/\1wit/p')
cargo run --quiet --locked --manifest-path "$here/../bindings/Cargo.toml" --target-dir "$2/bindings" -- \
    c "$wit" wasi:http/proxy@0.2.12 "$2/bindings/c"
cd "$here"
# shellcheck disable=SC2086  # a command with its words
$CC -std=c11 -D_DEFAULT_SOURCE -Os -g0 -Wall -Wextra -I "$2/bindings/c" \
    ./*.c "$2/bindings/c/proxy.c" "$2/bindings/c/proxy_component_type.o" -o "$1"
