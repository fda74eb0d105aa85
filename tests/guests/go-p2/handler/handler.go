// Package export_wasi_http_incoming_handler is what the generated export calls; its name is the generator's wish.
package export_wasi_http_incoming_handler

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"guest/bindings/imports/wasi_clocks_monotonic_clock"
	http "guest/bindings/imports/wasi_http_types"
	arena "guest/wit/runtime"
	wit "guest/wit/types"
)

var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

// Handle answers one request.
func Handle(request *http.IncomingRequest, out *http.ResponseOutparam) {
	defer request.Drop()
	path, rest, _ := strings.Cut(copied(request.PathWithQuery()), "?")
	query, _ := url.ParseQuery(rest)
	switch path {
	case "/":
		start(out, 200).tell("good")
	case "/seen":
		start(out, 200).tell(seen(request))
	case "/collect":
		text := received(request.Consume().Ok())
		start(out, 200).tell(text)
	case "/forbidden":
		start(out, 200).tell(forbidden(request))
	case "/ask":
		text := ask(request, query)
		start(out, 200).tell(text)
	case "/early":
		early(request, start(out, 200))
	case "/endless", "/until-gone":
		endless(start(out, 200))
	case "/wait-inside":
		answer := start(out, 200)
		answer.write([]byte("begun"))
		block(wasi_clocks_monotonic_clock.SubscribeDuration(1_000_000_000_000_000))
		answer.finish()
	case "/trailers":
		answer := start(out, 200, pair{"trailer", "x-sum"})
		answer.write([]byte("abc"))
		answer.finish(pair{"x-sum", "3"})
	case "/fail":
		place := min(number(query, "code", uint64(len(codes))), uint64(len(codes)-1))
		http.ResponseOutparamSet(out, wit.Err[*http.OutgoingResponse](codes[place].code))
	case "/status":
		start(out, uint16(number(query, "code", 200))).tell("a status")
	default:
		start(out, 404).tell("README.md of the guests lists the paths")
	}
}

// copied is a text that the host returned, out of the arena.
func copied(text wit.Option[string]) string {
	own := strings.Clone(text.SomeOr(""))
	arena.Release()
	return own
}

func number(query url.Values, name string, otherwise uint64) uint64 {
	value, err := strconv.ParseUint(query.Get(name), 10, 64)
	if err != nil {
		return otherwise
	}
	return value
}

// methodOf also gives the method's name.
func methodOf(request *http.IncomingRequest) (string, http.Method) {
	method := request.Method()
	defer arena.Release()
	if method.Tag() != http.Method_Other {
		return methods[method.Tag()], method
	}
	name := strings.Clone(method.Other())
	return name, http.MakeMethodOther(name)
}

// seen is the request's head, a line each.
func seen(request *http.IncomingRequest) string {
	method, _ := methodOf(request)
	scheme := "none"
	if got := request.Scheme(); got.IsSome() {
		scheme = []string{"http", "https", "other"}[got.Some().Tag()]
	}
	arena.Release()
	authority, target := copied(request.Authority()), copied(request.PathWithQuery())
	head := fmt.Sprintf("method=%s\nscheme=%s\nauthority=%s\ntarget=%s\n", method, scheme, authority, target)
	return head + listed(entries(request.Headers()))
}

// early answers before it reads the request's body; tells standard error as well.
func early(request *http.IncomingRequest, answer *answer) {
	answer.write([]byte("early\n"))
	text := received(request.Consume().Ok())
	fmt.Fprintf(os.Stderr, "early: %s\n", strings.ReplaceAll(text, "\n", " "))
	answer.tell(text)
}

// endless writes for as long as anybody takes it.
func endless(answer *answer) {
	piece := bytes.Repeat([]byte("x"), 4096)
	for answer.write(piece) {
	}
	answer.finish()
	fmt.Fprintln(os.Stderr, "the client is gone")
}

// forbidden is what becomes of fields that a guest may not send, a line each.
func forbidden(request *http.IncomingRequest) (text string) {
	fields := http.MakeFields()
	defer fields.Drop()
	for _, name := range []string{
		"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
		"transfer-encoding", "upgrade", "host", "http2-settings", "bad name",
	} {
		text += fmt.Sprintf("%s=%s\n", name, outcome(fields, name, "x"))
	}
	text += fmt.Sprintf("x-bad-value=%s\n", outcome(fields, "x-bad-value", "a\r\nb"))
	own := request.Headers()
	defer own.Drop()
	return text + fmt.Sprintf("request=%s\n", outcome(own, "x-mine", "1"))
}

func outcome(fields *http.Fields, name, value string) string {
	appended := fields.Append(name, []byte(value))
	if appended.IsOk() {
		return "taken"
	}
	return []string{"invalid", "forbidden", "immutable"}[appended.Err().Tag()]
}
