// A wasi:http 0.2 handler in Go for the conformance scenarios. The README of the guests lists its paths. build.sh puts the
// folder handler where the bindings look for the export.
package main

import _ "guest/bindings/exports/wit_exports"

func main() {}
