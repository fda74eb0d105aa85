// Package host is the seam between the SDK and whoever stands behind it: the bindings in a component, stand-ins in a native test.
package host

import (
	"errors"
	"time"
)

// Field is one field of a head; Name is in lower case.
type Field struct{ Name, Value string }

// Request is a request whose body has been received whole.
type Request struct {
	Method, Target string
	Headers        []Field
	Body           []byte
}

// Response is a whole response.
type Response struct {
	Status  int
	Headers []Field
	Body    []byte
}

// Outbound is a request to another server. Timeout 0: what is left of the call's deadline.
type Outbound struct {
	Method, URL string
	Headers     []Field
	Body        []byte
	Timeout     time.Duration
}

// Exchange is what the contract's context tells.
type Exchange struct{ RequestID, Route, Plugin, Release, ClientAddress string }

// Principal is who was proved to ask. Claims is a JSON object; an empty Tenant is none.
type Principal struct {
	Subject, Tenant, Method string
	Roles, Scopes           []string
	AuthenticatedAt         time.Time
	Claims                  string
}

// Decision is an answer of a rate limit.
type Decision struct {
	// Admitted: the cost was taken.
	Admitted bool
	// Remaining is what is left after this call.
	Remaining uint64
	// RetryAfter is how long until the cost would be admitted; 0 if it was.
	RetryAfter time.Duration
}

// FlagValue is a value of one of the four types of flags: Kind tells which field has it. An object is its JSON, in Text.
type FlagValue struct {
	Kind    uint8
	Boolean bool
	Text    string
	Number  float64
}

// Kinds of a FlagValue, in the contract's order.
const (
	FlagBoolean uint8 = iota
	FlagString
	FlagNumber
	FlagObject
)

// FlagDetails is a flag's answer; what is empty is none. Metadata is a JSON object.
type FlagDetails struct {
	Value                                              FlagValue
	Variant, Reason, ErrorCode, ErrorMessage, Metadata string
}

// Entry is a key with its value.
type Entry struct {
	Key   string
	Value []byte
}

// Kinds of refusals; an Error wraps one.
var (
	ErrDenied      = errors.New("denied")
	ErrInvalid     = errors.New("invalid")
	ErrNotANumber  = errors.New("not a number")
	ErrUnavailable = errors.New("unavailable")
	ErrTimeout     = errors.New("timeout")
	ErrTooLarge    = errors.New("too large")
	ErrFailed      = errors.New("failed")
)

// Error is a refusal with the host's words.
type Error struct {
	Kind error
	Text string
}

// Error tells the host's words.
func (e *Error) Error() string { return e.Text }

// Unwrap tells the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Host is all that the contract offers. A value that is nil is none; one of length 0 is empty.
type Host interface {
	Log(level uint8, message string, fields [][2]string)
	ConfigGet(key string) (string, bool)
	ConfigAll() [][2]string
	Exchange() Exchange
	DeadlineLeft() time.Duration
	Principal() *Principal
	Parameters() [][2]string
	AuthzCheck(permission, resource string) (allowed bool, reason string)
	RateLimitCheck(limit, key string, cost uint32) (Decision, error)
	Send(request Outbound) (Response, error)

	FlagBoolean(key string, fallback bool) bool
	FlagString(key, fallback string) string
	FlagNumber(key string, fallback float64) float64
	FlagObject(key, fallback string) string
	FlagResolve(key string, fallback FlagValue) FlagDetails
	FlagContext(attributes [][2]string) bool
	Track(metric string, value float64) bool

	KVGet(store, key string) ([]byte, error)
	KVSet(store, key string, value []byte, ttl time.Duration) error
	KVDelete(store, key string) (bool, error)
	KVExists(store, key string) (bool, error)
	KVList(store, prefix string, cursor *string, limit uint32) (keys []string, next *string, err error)
	KVIncrement(store, key string, delta int64) (int64, error)
	KVCompareAndSwap(store, key string, expected, value []byte) (bool, error)
	KVGetMany(store string, keys []string) ([][]byte, error)
	KVSetMany(store string, entries []Entry) error
	KVDeleteMany(store string, keys []string) error

	CacheGet(cache, key string) ([]byte, error)
	CacheSet(cache, key string, value []byte, ttl time.Duration, tags []string) error
	CacheDelete(cache, key string) error
	CacheDeleteTag(cache, tag string) error
	CacheGetOrLock(cache, key string, wait time.Duration) ([]byte, error)
	CacheUnlock(cache, key string) error
}

var installed Host

// Install puts a host in place, and returns the one before it.
func Install(host Host) Host {
	before := installed
	installed = host
	return before
}

// Current is the host in place.
func Current() Host {
	if installed == nil {
		panic("no host: begin the test with ostlertest.New(t)")
	}
	return installed
}
