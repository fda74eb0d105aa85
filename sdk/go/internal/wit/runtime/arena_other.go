//go:build !wasip1

package runtime

// Outside a component there is no arena; the names are there so that the bindings compile.

import "sync"

// Turn stands for the arena's.
var Turn sync.Mutex

// Release does nothing.
func Release() {}
