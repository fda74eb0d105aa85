// Package ostlertest is for unit tests of a handler without a host and without Wasm: every capability is an in-memory stand-in.
//
//	func TestAVisitIsCounted(t *testing.T) {
//		host := ostlertest.New(t).KV("visits")
//		answer := httptest.NewRecorder()
//		handler.ServeHTTP(answer, httptest.NewRequest("GET", "/a", nil))
//		if string(host.Value("visits", "/a")) != "1" {
//			t.Error("not counted")
//		}
//	}
//
// As on the real host, what was not granted is denied: a store must be named with KV, a cache with Cache, a limit with Limit,
// outbound HTTP needs HTTP, and nobody may do what Allow does not name. The stand-ins belong to the whole process, so such tests do
// not run in parallel.
package ostlertest

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ostler"
	"ostler/internal/host"
)

// Line is a log line that was written.
type Line struct {
	// Level is "trace", "debug", "info", "warn" or "error".
	Level, Message string
	// Fields are the fields by their names.
	Fields map[string]string
}

// Host stands for the host until the test ends.
type Host struct {
	lock         sync.Mutex
	exchange     host.Exchange
	deadlineLeft time.Duration
	config       map[string]string
	stores       map[string]store
	now          time.Duration
	lines        []Line
	servers      http.Handler
	beforeChange func()
	gate         gate
	flags        flags
}

// New puts stand-ins in place that grant nothing; 2 s are left until the deadline. slog and http.DefaultTransport go to them too.
func New(t testing.TB) *Host {
	h := &Host{
		exchange: host.Exchange{
			RequestID: "test-request", Route: "/{*rest}", Plugin: "test",
			Release: "sha256:" + strings.Repeat("0", 64), ClientAddress: "127.0.0.1",
		},
		deadlineLeft: 2 * time.Second,
		config:       map[string]string{},
		stores:       map[string]store{},
	}
	before, logger, transport := host.Install(h), slog.Default(), http.DefaultTransport
	slog.SetDefault(slog.New(ostler.NewLogHandler()))
	http.DefaultTransport = ostler.Transport
	t.Cleanup(func() {
		host.Install(before)
		slog.SetDefault(logger)
		http.DefaultTransport = transport
	})
	return h
}

// WithConfig adds a value of grant = { config = { ... } }.
func (h *Host) WithConfig(key, value string) *Host {
	h.config[key] = value
	return h
}

// KV adds an empty store of grant = { kv = [...] }.
func (h *Host) KV(name string) *Host {
	if h.stores[name] == nil {
		h.stores[name] = store{}
	}
	return h
}

// Put puts a value into a store, which is granted by this as well.
func (h *Host) Put(name, key, value string) *Host {
	h.KV(name).stores[name][key] = entry{value: []byte(value)}
	return h
}

// HTTP answers outbound requests in place of all other servers. A handler that panics with http.ErrAbortHandler stands for one
// that cannot be reached.
func (h *Host) HTTP(servers http.Handler) *Host {
	h.servers = servers
	return h
}

// BeforeChange runs once before the next change a handler makes to a store, to stand for another request that is quicker.
func (h *Host) BeforeChange(other func()) *Host {
	h.beforeChange = other
	return h
}

// WithRequestID sets the request's id; "test-request" otherwise.
func (h *Host) WithRequestID(id string) *Host {
	h.exchange.RequestID = id
	return h
}

// WithClientAddress sets the client's address; 127.0.0.1 otherwise.
func (h *Host) WithClientAddress(address string) *Host {
	h.exchange.ClientAddress = address
	return h
}

// WithDeadlineLeft sets what is left until the deadline.
func (h *Host) WithDeadlineLeft(left time.Duration) *Host {
	h.deadlineLeft = left
	return h
}

// Advance lets time pass for limits and for values with a time to live.
func (h *Host) Advance(by time.Duration) { h.now += by }

// Value is what a store holds under key; nil if nothing.
func (h *Host) Value(name, key string) []byte { return h.stores[name].get(key, h.now) }

// Lines are the log lines so far.
func (h *Host) Lines() []Line { return slices.Clone(h.lines) }

// Log keeps a line.
func (h *Host) Log(level uint8, message string, fields [][2]string) {
	h.lock.Lock()
	defer h.lock.Unlock()
	line := Line{Level: []string{"trace", "debug", "info", "warn", "error"}[level], Message: message, Fields: map[string]string{}}
	for _, field := range fields {
		line.Fields[field[0]] = field[1]
	}
	h.lines = append(h.lines, line)
}

// ConfigGet is for the SDK.
func (h *Host) ConfigGet(key string) (string, bool) {
	value, ok := h.config[key]
	return value, ok
}

// ConfigAll is for the SDK.
func (h *Host) ConfigAll() [][2]string {
	var all [][2]string
	for key, value := range h.config {
		all = append(all, [2]string{key, value})
	}
	return all
}

// Exchange is for the SDK.
func (h *Host) Exchange() host.Exchange { return h.exchange }

// DeadlineLeft is for the SDK.
func (h *Host) DeadlineLeft() time.Duration { return h.deadlineLeft }

// Send is for the SDK.
func (h *Host) Send(request host.Outbound) (response host.Response, err error) {
	if h.servers == nil {
		return response, &host.Error{Kind: host.ErrDenied, Text: fmt.Sprintf("outbound HTTP to %s is not granted", request.URL)}
	}
	defer func() {
		if cause := recover(); cause == http.ErrAbortHandler {
			err = &host.Error{Kind: host.ErrFailed, Text: "the connection was refused"}
		} else if cause != nil {
			panic(cause)
		}
	}()
	its := httptest.NewRequest(request.Method, request.URL, strings.NewReader(string(request.Body)))
	for _, field := range request.Headers {
		its.Header.Add(field.Name, field.Value)
	}
	recorder := httptest.NewRecorder()
	h.servers.ServeHTTP(recorder, its)
	answer := recorder.Result()
	response.Status = answer.StatusCode
	response.Body, err = io.ReadAll(answer.Body)
	for name, values := range answer.Header {
		for _, value := range values {
			response.Headers = append(response.Headers, host.Field{Name: strings.ToLower(name), Value: value})
		}
	}
	return response, err
}
