package export_wasi_http_incoming_handler

import (
	"fmt"
	"net/url"
	"strings"

	"guest/bindings/imports/wasi_http_outgoing_handler"
	http "guest/bindings/imports/wasi_http_types"
	arena "guest/wit/runtime"
	wit "guest/wit/types"
)

// ask sends the request on to the URL in its query and tells what came back.
func ask(incoming *http.IncomingRequest, query url.Values) string {
	response, err := exchange(incoming, query)
	if err != nil {
		return fmt.Sprintf("error=%v\n", err)
	}
	defer response.Drop()
	text := fmt.Sprintf("status=%d\n%s", response.Status(), listed(entries(response.Headers())))
	return text + received(response.Consume().Ok())
}

func exchange(incoming *http.IncomingRequest, query url.Values) (*http.IncomingResponse, error) {
	request, err := requestTo(query.Get("url"), incoming)
	if err != nil {
		return nil, err
	}
	body := request.Body().Ok()
	handled := wasi_http_outgoing_handler.Handle(request, wit.Some(optionsOf(query)))
	arena.Release()
	if handled.IsErr() {
		body.Drop()
		return nil, &failure{handled.Err()}
	}
	future := handled.Ok()
	defer future.Drop()
	if err := passOn(incoming, body); err != nil {
		return nil, err
	}
	block(future.Subscribe())
	got := future.Get().Some().Ok()
	arena.Release()
	if got.IsErr() {
		return nil, &failure{got.Err()}
	}
	return got.Ok(), nil
}

// requestTo is the request without its body.
func requestTo(url string, incoming *http.IncomingRequest) (*http.OutgoingRequest, error) {
	invalid := &failure{http.MakeErrorCodeHttpRequestUriInvalid()}
	name, rest, found := strings.Cut(url, "://")
	if !found {
		return nil, invalid
	}
	scheme := http.MakeSchemeOther(name)
	switch name {
	case "http":
		scheme = http.MakeSchemeHttp()
	case "https":
		scheme = http.MakeSchemeHttps()
	}
	authority, path := rest, "/"
	if at := strings.IndexByte(rest, '/'); at >= 0 {
		authority, path = rest[:at], rest[at:]
	}
	var fields []pair
	for _, field := range entries(incoming.Headers()) {
		if name, found := strings.CutPrefix(field.name, "x-out-"); found {
			fields = append(fields, pair{name, field.value})
		}
	}
	request := http.MakeOutgoingRequest(fieldsOf(fields...))
	_, method := methodOf(incoming)
	if request.SetMethod(method).IsErr() || request.SetScheme(wit.Some(scheme)).IsErr() ||
		request.SetAuthority(wit.Some(authority)).IsErr() || request.SetPathWithQuery(wit.Some(path)).IsErr() {
		request.Drop()
		return nil, invalid
	}
	return request, nil
}

func optionsOf(query url.Values) *http.RequestOptions {
	options := http.MakeRequestOptions()
	nanos := func(name string) wit.Option[uint64] {
		if ms := number(query, name, 0); ms > 0 {
			return wit.Some(ms * 1_000_000)
		}
		return wit.None[uint64]()
	}
	if options.SetConnectTimeout(nanos("connect")).IsErr() || options.SetFirstByteTimeout(nanos("first")).IsErr() ||
		options.SetBetweenBytesTimeout(nanos("between")).IsErr() {
		panic("a timeout is refused")
	}
	return options
}

// passOn sends the request's body and trailers, as they come; the error says why the request broke off.
func passOn(incoming *http.IncomingRequest, to *http.OutgoingBody) error {
	from := incoming.Consume().Ok()
	stream := to.Write().Ok()
	taken := true
	// Why it broke off, its trailers say as well.
	_ = drain(from, 4096, func(piece []byte) bool {
		taken = writeAll(stream, piece)
		return taken
	})
	stream.Drop()
	if !taken {
		// The response, or its absence, says why.
		from.Drop()
		to.Drop()
		return nil
	}
	trailers, err := trailersOf(from)
	if err != nil {
		to.Drop()
		return err
	}
	return finish(to, trailers)
}
