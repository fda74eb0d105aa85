// Package runtime is what the generated bindings ask for by the name witRuntime: memory that the host reads, and (arena_wasip1.go)
// memory that the host writes. It stands in for the package of that name that comes with wit-bindgen, whose memory for the host is Go's.
package runtime

import (
	"runtime"
	"unsafe"
)

// Allocate takes memory of Go's that stays in its place until the pinner lets go of it.
func Allocate(pinner *runtime.Pinner, size, align uintptr) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	// Words of 8 bytes are aligned for all that the canonical ABI has.
	pointer := unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
	pinner.Pin(pointer)
	return pointer
}

// Unpin is called once arguments of an export are lifted. They still lie in the arena: whoever has copied them calls Release.
func Unpin() {}
