package host

// The host of a component: the generated bindings, with their types turned into the SDK's. What the host returns lies in the
// arena: each function takes its turn there, copies all that it gives on, and releases the arena.

import (
	"strings"
	"time"

	"ostler/internal/bindings/imports/ostler_plugin_config"
	"ostler/internal/bindings/imports/ostler_plugin_context"
	"ostler/internal/bindings/imports/ostler_plugin_http_client"
	"ostler/internal/bindings/imports/ostler_plugin_kv"
	"ostler/internal/bindings/imports/ostler_plugin_log"
	arena "ostler/internal/wit/runtime"
	wit "ostler/internal/wit/types"
)

func init() { Install(component{}) }

type component struct{}

// turn takes a turn; what it returns ends it.
func turn() (end func()) {
	arena.Turn.Lock()
	return func() {
		arena.Release()
		arena.Turn.Unlock()
	}
}

func clone(list []string) []string {
	copied := make([]string, len(list))
	for i, text := range list {
		copied[i] = strings.Clone(text)
	}
	return copied
}

func pairs(list []wit.Tuple2[string, string]) [][2]string {
	result := make([][2]string, len(list))
	for i, pair := range list {
		result[i] = [2]string{strings.Clone(pair.F0), strings.Clone(pair.F1)}
	}
	return result
}

func (component) Log(level uint8, message string, fields [][2]string) {
	list := make([]wit.Tuple2[string, string], len(fields))
	for i, field := range fields {
		list[i] = wit.Tuple2[string, string]{F0: field[0], F1: field[1]}
	}
	defer turn()()
	ostler_plugin_log.Write(level, message, list)
}

func (component) ConfigGet(key string) (string, bool) {
	defer turn()()
	value := ostler_plugin_config.Get(key)
	return strings.Clone(value.SomeOr("")), value.IsSome()
}

func (component) ConfigAll() [][2]string {
	defer turn()()
	return pairs(ostler_plugin_config.All())
}

func (component) Exchange() Exchange {
	defer turn()()
	exchange := ostler_plugin_context.Get()
	return Exchange{
		RequestID: strings.Clone(exchange.RequestId), Route: strings.Clone(exchange.Route), Plugin: strings.Clone(exchange.Plugin),
		Release: strings.Clone(exchange.Release), ClientAddress: strings.Clone(exchange.ClientAddress),
	}
}

func (component) DeadlineLeft() time.Duration {
	defer turn()()
	return milliseconds(ostler_plugin_context.DeadlineLeftMs())
}

// milliseconds does not overflow: more than a year is a year.
func milliseconds(ms uint64) time.Duration {
	return time.Duration(min(ms, 366*24*3600*1000)) * time.Millisecond
}

func (component) Send(request Outbound) (Response, error) {
	defer turn()()
	headers := make([]wit.Tuple2[string, []uint8], len(request.Headers))
	for i, header := range request.Headers {
		headers[i] = wit.Tuple2[string, []uint8]{F0: header.Name, F1: []byte(header.Value)}
	}
	result := ostler_plugin_http_client.Send(ostler_plugin_http_client.Outbound{
		Method: request.Method, Url: request.URL, Headers: headers, Body: request.Body, TimeoutMs: limit(request.Timeout),
	})
	if result.IsErr() {
		return Response{}, refusal(result.Err())
	}
	answer := result.Ok()
	response := Response{Status: int(answer.Status), Body: append([]byte{}, answer.Body...)}
	for _, header := range answer.Headers {
		response.Headers = append(response.Headers, Field{Name: strings.Clone(header.F0), Value: string(header.F1)})
	}
	return response, nil
}

// limit rounds up, so that a little time is not none.
func limit(timeout time.Duration) wit.Option[uint64] {
	if timeout == 0 {
		return wit.None[uint64]()
	}
	return wit.Some(uint64((max(timeout, 0) + time.Millisecond - 1) / time.Millisecond))
}

func refusal(err ostler_plugin_http_client.Error) error {
	switch err.Tag() {
	case ostler_plugin_http_client.Error_Denied:
		return &Error{ErrDenied, strings.Clone(err.Denied())}
	case ostler_plugin_http_client.Error_Invalid:
		return &Error{ErrInvalid, strings.Clone(err.Invalid())}
	case ostler_plugin_http_client.Error_Timeout:
		return &Error{ErrTimeout, "the other server gave no answer in time"}
	case ostler_plugin_http_client.Error_TooLarge:
		return &Error{ErrTooLarge, "the other server's response is larger than the host accepts"}
	default:
		return &Error{ErrFailed, strings.Clone(err.Failed())}
	}
}

// take splits a result of the bindings.
func take[T any](result wit.Result[T, ostler_plugin_kv.Error]) (value T, err error) {
	if result.IsOk() {
		return result.Ok(), nil
	}
	switch its := result.Err(); its.Tag() {
	case ostler_plugin_kv.Error_Denied:
		return value, &Error{ErrDenied, strings.Clone(its.Denied())}
	case ostler_plugin_kv.Error_Invalid:
		return value, &Error{ErrInvalid, strings.Clone(its.Invalid())}
	case ostler_plugin_kv.Error_NotANumber:
		return value, &Error{ErrNotANumber, "the value is not a 64-bit decimal integer, or the sum would not be"}
	default:
		return value, &Error{ErrUnavailable, strings.Clone(its.Unavailable())}
	}
}

// bytes of an option: nil if there is none. An empty value is not nil.
func bytes(value wit.Option[[]uint8]) []byte {
	if value.IsNone() {
		return nil
	}
	return append([]byte{}, value.Some()...)
}

func option(value []byte) wit.Option[[]uint8] {
	if value == nil {
		return wit.None[[]uint8]()
	}
	return wit.Some(value)
}

func (component) KVGet(store, key string) ([]byte, error) {
	defer turn()()
	value, err := take(ostler_plugin_kv.Get(store, key))
	if err != nil {
		return nil, err
	}
	return bytes(value), nil
}

func (component) KVSet(store, key string, value []byte, ttl time.Duration) error {
	defer turn()()
	_, err := take(ostler_plugin_kv.Set(store, key, value, limit(ttl)))
	return err
}

func (component) KVDelete(store, key string) (bool, error) {
	defer turn()()
	return take(ostler_plugin_kv.Delete(store, key))
}

func (component) KVExists(store, key string) (bool, error) {
	defer turn()()
	return take(ostler_plugin_kv.Exists(store, key))
}

func (component) KVList(store, prefix string, cursor *string, limit uint32) ([]string, *string, error) {
	defer turn()()
	from := wit.None[string]()
	if cursor != nil {
		from = wit.Some(*cursor)
	}
	page, err := take(ostler_plugin_kv.ListKeys(store, prefix, from, limit))
	if err != nil || page.Cursor.IsNone() {
		return clone(page.Keys), nil, err
	}
	next := strings.Clone(page.Cursor.Some())
	return clone(page.Keys), &next, nil
}

func (component) KVIncrement(store, key string, delta int64) (int64, error) {
	defer turn()()
	return take(ostler_plugin_kv.Increment(store, key, delta))
}

func (component) KVCompareAndSwap(store, key string, expected, value []byte) (bool, error) {
	defer turn()()
	return take(ostler_plugin_kv.CompareAndSwap(store, key, option(expected), option(value)))
}

func (component) KVGetMany(store string, keys []string) ([][]byte, error) {
	defer turn()()
	found, err := take(ostler_plugin_kv.GetMany(store, keys))
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(found))
	for i, value := range found {
		values[i] = bytes(value)
	}
	return values, nil
}

func (component) KVSetMany(store string, entries []Entry) error {
	defer turn()()
	list := make([]ostler_plugin_kv.Entry, len(entries))
	for i, entry := range entries {
		list[i] = ostler_plugin_kv.Entry{Key: entry.Key, Value: entry.Value}
	}
	_, err := take(ostler_plugin_kv.SetMany(store, list))
	return err
}

func (component) KVDeleteMany(store string, keys []string) error {
	defer turn()()
	_, err := take(ostler_plugin_kv.DeleteMany(store, keys))
	return err
}
