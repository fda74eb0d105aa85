// Package export_ostler_plugin_http_handler is what the generated export calls; its name is the generator's wish.
package export_ostler_plugin_http_handler

import (
	"strings"

	"ostler/internal/bindings/imports/ostler_plugin_types"
	"ostler/internal/host"
	"ostler/internal/serve"
	arena "ostler/internal/wit/runtime"
	wit "ostler/internal/wit/types"
)

// Handle answers one request of the host's. The request lies in the arena, whose turn is the host's: it is copied before anything
// else happens.
func Handle(raw ostler_plugin_types.Request) wit.Result[ostler_plugin_types.Response, string] {
	request := &host.Request{
		Method: strings.Clone(raw.Method), Target: strings.Clone(raw.Target), Body: append([]byte{}, raw.Body...),
		Headers: make([]host.Field, len(raw.Headers)),
	}
	for i, header := range raw.Headers {
		request.Headers[i] = host.Field{Name: strings.Clone(header.F0), Value: string(header.F1)}
	}
	arena.Release()
	arena.Turn.Unlock()
	defer arena.Turn.Lock()

	response, err := serve.Answer(request)
	if err != nil {
		return wit.Err[ostler_plugin_types.Response, string](err.Error())
	}
	fields := make([]wit.Tuple2[string, []uint8], len(response.Headers))
	for i, header := range response.Headers {
		fields[i] = wit.Tuple2[string, []uint8]{F0: header.Name, F1: []byte(header.Value)}
	}
	return wit.Ok[ostler_plugin_types.Response, string](ostler_plugin_types.Response{
		Status: uint16(response.Status), Headers: fields, Body: response.Body,
	})
}
