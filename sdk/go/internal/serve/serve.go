// Package serve turns one typed request into a call of the http.Handler, and what it wrote into one typed response.
package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"ostler/internal/host"
)

// Handler answers requests; nil: http.DefaultServeMux.
var Handler http.Handler

type failureKey struct{}

// Fail leaves a failure to the host, which logs it and answers 500. False: the request is none of the host's, as in a test.
func Fail(request *http.Request, err error) bool {
	place, ok := request.Context().Value(failureKey{}).(*error)
	if ok {
		*place = err
	}
	return ok
}

// Answer calls the handler. An error is for the host's log; a panic becomes one.
func Answer(request *host.Request) (response *host.Response, failure error) {
	defer func() {
		if cause := recover(); cause != nil {
			host.Current().Log(4, fmt.Sprintf("panic: %v", cause), [][2]string{{"stack", string(debug.Stack())}})
			response, failure = nil, fmt.Errorf("the handler panicked: %v", cause)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), host.Current().DeadlineLeft())
	defer cancel()
	its, err := Request(context.WithValue(ctx, failureKey{}, &failure), request)
	if err != nil {
		return &host.Response{Status: http.StatusBadRequest}, nil
	}
	recorder := NewRecorder()
	handler := Handler
	if handler == nil {
		handler = http.DefaultServeMux
	}
	handler.ServeHTTP(recorder, its)
	return recorder.Response(), failure
}

// Request is the typed request as net/http has it.
func Request(ctx context.Context, request *host.Request) (*http.Request, error) {
	target, err := url.ParseRequestURI(request.Target)
	if err != nil {
		return nil, err
	}
	its := &http.Request{
		Method: request.Method, URL: target, RequestURI: request.Target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, ContentLength: int64(len(request.Body)),
		RemoteAddr: host.Current().Exchange().ClientAddress + ":0",
	}
	for _, field := range request.Headers {
		its.Header.Add(field.Name, field.Value)
	}
	its.Host = its.Header.Get("Host")
	its.Header.Del("Host")
	if len(request.Body) > 0 {
		its.Body = io.NopCloser(bytes.NewReader(request.Body))
	}
	return its.WithContext(ctx), nil
}

// Recorder keeps what a handler writes.
type Recorder struct {
	header http.Header
	sent   http.Header
	status int
	body   bytes.Buffer
}

// NewRecorder keeps nothing yet.
func NewRecorder() *Recorder { return &Recorder{header: http.Header{}} }

// Header is what the handler fills in.
func (r *Recorder) Header() http.Header { return r.header }

// WriteHeader fixes status and headers; informational ones are passed over.
func (r *Recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
		r.sent = r.header.Clone()
	}
}

// Write keeps a part of the body. As in net/http, the first one tells the media type unless the handler did.
func (r *Recorder) Write(part []byte) (int, error) {
	if _, named := r.header["Content-Type"]; r.status == 0 && !named {
		r.header.Set("Content-Type", http.DetectContentType(part))
	}
	r.WriteHeader(http.StatusOK)
	return r.body.Write(part)
}

// Flush is there for handlers that want a http.Flusher: the response is sent as a whole.
func (r *Recorder) Flush() { r.WriteHeader(http.StatusOK) }

// Response is what was kept, with the headers in a fixed order.
func (r *Recorder) Response() *host.Response {
	r.WriteHeader(http.StatusOK)
	response := &host.Response{Status: r.status, Body: r.body.Bytes()}
	for name, values := range r.sent {
		for _, value := range values {
			response.Headers = append(response.Headers, host.Field{Name: strings.ToLower(name), Value: value})
		}
	}
	slices.SortStableFunc(response.Headers, func(a, b host.Field) int { return strings.Compare(a.Name, b.Name) })
	return response
}
