package export_wasi_http_incoming_handler

import (
	http "guest/bindings/imports/wasi_http_types"
	wit "guest/wit/types"
)

var (
	short  = wit.None[uint32]()
	long   = wit.None[uint64]()
	text   = wit.None[string]()
	field  = http.FieldSizePayload{FieldName: text, FieldSize: short}
	noName = http.DnsErrorPayload{Rcode: text, InfoCode: wit.None[uint16]()}
	alert  = http.TlsAlertReceivedPayload{AlertId: wit.None[uint8](), AlertMessage: text}
)

// codes are the error codes in the order of the WIT, named as Rust spells them.
var codes = []struct {
	name string
	code http.ErrorCode
}{
	{"DnsTimeout", http.MakeErrorCodeDnsTimeout()},
	{"DnsError", http.MakeErrorCodeDnsError(noName)},
	{"DestinationNotFound", http.MakeErrorCodeDestinationNotFound()},
	{"DestinationUnavailable", http.MakeErrorCodeDestinationUnavailable()},
	{"DestinationIpProhibited", http.MakeErrorCodeDestinationIpProhibited()},
	{"DestinationIpUnroutable", http.MakeErrorCodeDestinationIpUnroutable()},
	{"ConnectionRefused", http.MakeErrorCodeConnectionRefused()},
	{"ConnectionTerminated", http.MakeErrorCodeConnectionTerminated()},
	{"ConnectionTimeout", http.MakeErrorCodeConnectionTimeout()},
	{"ConnectionReadTimeout", http.MakeErrorCodeConnectionReadTimeout()},
	{"ConnectionWriteTimeout", http.MakeErrorCodeConnectionWriteTimeout()},
	{"ConnectionLimitReached", http.MakeErrorCodeConnectionLimitReached()},
	{"TlsProtocolError", http.MakeErrorCodeTlsProtocolError()},
	{"TlsCertificateError", http.MakeErrorCodeTlsCertificateError()},
	{"TlsAlertReceived", http.MakeErrorCodeTlsAlertReceived(alert)},
	{"HttpRequestDenied", http.MakeErrorCodeHttpRequestDenied()},
	{"HttpRequestLengthRequired", http.MakeErrorCodeHttpRequestLengthRequired()},
	{"HttpRequestBodySize", http.MakeErrorCodeHttpRequestBodySize(long)},
	{"HttpRequestMethodInvalid", http.MakeErrorCodeHttpRequestMethodInvalid()},
	{"HttpRequestUriInvalid", http.MakeErrorCodeHttpRequestUriInvalid()},
	{"HttpRequestUriTooLong", http.MakeErrorCodeHttpRequestUriTooLong()},
	{"HttpRequestHeaderSectionSize", http.MakeErrorCodeHttpRequestHeaderSectionSize(short)},
	{"HttpRequestHeaderSize", http.MakeErrorCodeHttpRequestHeaderSize(wit.None[http.FieldSizePayload]())},
	{"HttpRequestTrailerSectionSize", http.MakeErrorCodeHttpRequestTrailerSectionSize(short)},
	{"HttpRequestTrailerSize", http.MakeErrorCodeHttpRequestTrailerSize(field)},
	{"HttpResponseIncomplete", http.MakeErrorCodeHttpResponseIncomplete()},
	{"HttpResponseHeaderSectionSize", http.MakeErrorCodeHttpResponseHeaderSectionSize(short)},
	{"HttpResponseHeaderSize", http.MakeErrorCodeHttpResponseHeaderSize(field)},
	{"HttpResponseBodySize", http.MakeErrorCodeHttpResponseBodySize(long)},
	{"HttpResponseTrailerSectionSize", http.MakeErrorCodeHttpResponseTrailerSectionSize(short)},
	{"HttpResponseTrailerSize", http.MakeErrorCodeHttpResponseTrailerSize(field)},
	{"HttpResponseTransferCoding", http.MakeErrorCodeHttpResponseTransferCoding(text)},
	{"HttpResponseContentCoding", http.MakeErrorCodeHttpResponseContentCoding(text)},
	{"HttpResponseTimeout", http.MakeErrorCodeHttpResponseTimeout()},
	{"HttpUpgradeFailed", http.MakeErrorCodeHttpUpgradeFailed()},
	{"HttpProtocolError", http.MakeErrorCodeHttpProtocolError()},
	{"LoopDetected", http.MakeErrorCodeLoopDetected()},
	{"ConfigurationError", http.MakeErrorCodeConfigurationError()},
	{"InternalError", http.MakeErrorCodeInternalError(text)},
}

// failure is an error code as a Go error.
type failure struct{ code http.ErrorCode }

func (failure *failure) Error() string { return codes[failure.code.Tag()].name }
