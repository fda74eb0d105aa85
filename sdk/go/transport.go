package ostler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"ostler/internal/host"
)

// Transport sends requests by the host's pooled connections, to the origins of grant = { http = [...] }. In a component it is
// http.DefaultTransport, so that http.Get works; elsewhere name it: http.Client{Transport: ostler.Transport}. Bodies are sent and
// received whole. A deadline of the request's context holds, as does the call's own.
var Transport http.RoundTripper = transport{}

// Why a request got no response; the host's words are in the error's text. No answer in time is context.DeadlineExceeded.
var (
	// ErrDenied: the origin is not granted.
	ErrDenied = host.ErrDenied
	// ErrInvalid: the request cannot be sent as it is.
	ErrInvalid = host.ErrInvalid
	// ErrTooLarge: the response is larger than the host accepts.
	ErrTooLarge = host.ErrTooLarge
	// ErrFailed: the other server could not be reached or broke the protocol.
	ErrFailed = host.ErrFailed
)

type transport struct{}

// RoundTrip sends one request and waits for the whole response.
func (transport) RoundTrip(request *http.Request) (*http.Response, error) {
	outbound, err := outboundOf(request)
	if err != nil {
		return nil, err
	}
	answer, err := host.Current().Send(outbound)
	if errors.Is(err, host.ErrTimeout) {
		return nil, fmt.Errorf("%w: %w", err, context.DeadlineExceeded)
	}
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	for _, field := range answer.Headers {
		header.Add(field.Name, field.Value)
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", answer.Status, http.StatusText(answer.Status)), StatusCode: answer.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)),
		Request: request,
	}, nil
}

func outboundOf(request *http.Request) (host.Outbound, error) {
	outbound := host.Outbound{Method: request.Method, URL: request.URL.String()}
	if outbound.Method == "" {
		outbound.Method = http.MethodGet
	}
	for name, values := range request.Header {
		for _, value := range values {
			outbound.Headers = append(outbound.Headers, host.Field{Name: strings.ToLower(name), Value: value})
		}
	}
	if request.Body != nil {
		defer request.Body.Close()
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return outbound, err
		}
		outbound.Body = body
	}
	if until, ok := request.Context().Deadline(); ok {
		outbound.Timeout = time.Until(until)
		if outbound.Timeout <= 0 {
			return outbound, context.DeadlineExceeded
		}
	}
	return outbound, request.Context().Err()
}
