// Package experiment reports what experiments are decided by: counted for the release that runs, and for the variants of the flags
// it has asked for.
package experiment

import "ostler/internal/host"

// Track counts value of metric (1 to 64 of a-z 0-9 - _ .). False if the name, or a value that is not finite, is refused.
func Track(metric string, value float64) bool { return host.Current().Track(metric, value) }
