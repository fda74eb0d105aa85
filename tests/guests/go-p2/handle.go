package runtime

// Handle is the bindings' handle of a resource: zero once it was given away. The SDK's contract has no resources, so this is not
// in its package; build.sh adds it.
type Handle struct{ value int32 }

// MakeHandle is that of a resource that is there.
func MakeHandle(value int32) *Handle { return &Handle{value} }

// Take gives the resource away.
func (handle *Handle) Take() int32 {
	value := handle.Use()
	handle.value = 0
	return value
}

// TakeOrNil is Take for a resource that may be gone.
func (handle *Handle) TakeOrNil() int32 {
	value := handle.value
	handle.value = 0
	return value
}

// Set makes the handle one of another resource.
func (handle *Handle) Set(value int32) { handle.value = value }

// Use lends the resource.
func (handle *Handle) Use() int32 {
	if handle.value == 0 {
		panic("a resource that was given away is used")
	}
	return handle.value
}
