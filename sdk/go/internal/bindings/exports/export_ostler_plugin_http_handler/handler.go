// Package export_ostler_plugin_http_handler is what the generated export calls; its name is the generator's wish.
package export_ostler_plugin_http_handler

import (
	"ostler/internal/bindings/imports/ostler_plugin_types"
	"ostler/internal/host"
	"ostler/internal/serve"
	wit "ostler/internal/wit/types"
)

// Handle answers one request of the host's.
func Handle(request ostler_plugin_types.Request) wit.Result[ostler_plugin_types.Response, string] {
	headers := make([]host.Field, len(request.Headers))
	for i, header := range request.Headers {
		headers[i] = host.Field{Name: header.F0, Value: string(header.F1)}
	}
	response, err := serve.Answer(&host.Request{
		Method: request.Method, Target: request.Target, Headers: headers, Body: request.Body,
	})
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
