#!/bin/sh
# Builds the core module $1 by the compiler $GO; $2 is a folder for what can be kept.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# The WIT of wasi:http 0.2 comes with the crate that the guests in Rust use.
wit=$(cargo metadata --quiet --format-version 1 --manifest-path "$here/../p2/Cargo.toml" |
    sed -n 's/.*"manifest_path":"\([^"]*wasip2-2[^"]*\)Cargo.toml".*/\1wit/p')
# The Go module: the bindings, the SDK's packages that they stand on, and what is here.
module="$2/bindings/go"
rm -rf "$module"
mkdir -p "$module/wit"
cargo run --quiet --locked --manifest-path "$here/../bindings/Cargo.toml" --target-dir "$2/bindings" -- \
    go "$wit" wasi:http/proxy@0.2.12 "$module/bindings"
cp -r "$here/../../../sdk/go/internal/wit/runtime" "$here/../../../sdk/go/internal/wit/types" "$module/wit"
cp "$here/handle.go" "$module/wit/runtime"
cp -r "$here/handler" "$module/bindings/exports/export_wasi_http_incoming_handler"
cp "$here/main.go" "$here/go.mod" "$module"
cd "$module"
unset GOEXPERIMENT GOWASM GO111MODULE
GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=mod GOPROXY=off GOWORK=off \
    "$GO" build -buildmode=c-shared -trimpath -buildvcs=false -ldflags='-checklinkname=0 -s -w -buildid=' -o "$1" .
cat bindings/type.section >>"$1"
