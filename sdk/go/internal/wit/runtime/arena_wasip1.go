package runtime

import (
	"sync"
	"unsafe"
)

// The arena is where the host puts a request, and what its functions return. It asks for that memory by cabi_realloc at moments
// when this component must not call it back, so nothing of Go's runtime that may look at a clock or wait can run then: no
// garbage collection, no scheduler. Hence this memory is none of Go's heap. It is taken from the system once, and used anew as
// soon as what lies there was copied.

// pageSize is that of WebAssembly.
const pageSize = 64 << 10

// chunk is a piece of the arena. Those that are not in use wait in a list.
type chunk struct {
	next *chunk
	size uintptr
}

const headSize = 16

var (
	// started is false until Go's runtime is there: what is asked for before is for ever.
	started bool
	// inUse are the chunks since the last Release, the one that is being filled first; at is the next free byte of it.
	inUse, free *chunk
	at, end     uintptr
)

func init() { started = true }

//go:linkname sbrk runtime.sbrk
func sbrk(n uintptr) unsafe.Pointer

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	if old != nil || oldSize != 0 {
		panic("the host asks to move what it has written, which it never does")
	}
	if !started {
		return aligned(sbrk(size+align), align)
	}
	from := (at + align - 1) &^ (align - 1)
	if from+size > end || from+size < from {
		grow(size + align)
		from = (at + align - 1) &^ (align - 1)
	}
	at = from + size
	return unsafe.Pointer(from)
}

func aligned(pointer unsafe.Pointer, align uintptr) unsafe.Pointer {
	return unsafe.Pointer((uintptr(pointer) + align - 1) &^ (align - 1))
}

// grow begins a chunk with room for size bytes: the first free one that will do, or a new one of a power of two pages.
func grow(size uintptr) {
	place := &free
	for *place != nil && (*place).size < size+headSize {
		place = &(*place).next
	}
	taken := *place
	if taken != nil {
		*place = taken.next
	} else {
		whole := uintptr(pageSize)
		for whole < size+headSize {
			whole *= 2
		}
		taken = (*chunk)(sbrk(whole))
		if taken == nil {
			panic("out of memory")
		}
		taken.size = whole
	}
	taken.next = inUse
	inUse = taken
	at = uintptr(unsafe.Pointer(taken)) + headSize
	end = uintptr(unsafe.Pointer(taken)) + taken.size
}

// Turn is held by whoever lets the host write into the arena, until that is copied and Release was called. Between two requests
// it is held for the host, which puts the next one there.
var Turn sync.Mutex

func init() { Turn.Lock() }

// Release makes the whole arena free again. Nothing may point there any more.
func Release() {
	for inUse != nil {
		next := inUse.next
		inUse.next = free
		free = inUse
		inUse = next
	}
	at, end = 0, 0
}
