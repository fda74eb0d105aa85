package export_wasi_http_incoming_handler

import (
	"fmt"
	"strings"

	http "guest/bindings/imports/wasi_http_types"
	"guest/bindings/imports/wasi_io_poll"
	"guest/bindings/imports/wasi_io_streams"
	arena "guest/wit/runtime"
	wit "guest/wit/types"
)

// pair is a header or a trailer.
type pair struct{ name, value string }

// entries takes the fields and copies them: what the host returns lies in the arena, which is made free again.
func entries(fields *http.Fields) (pairs []pair) {
	for _, entry := range fields.Entries() {
		pairs = append(pairs, pair{strings.Clone(entry.F0), string(entry.F1)})
	}
	arena.Release()
	fields.Drop()
	return pairs
}

// listed has a line for each.
func listed(pairs []pair) (text string) {
	for _, pair := range pairs {
		text += fmt.Sprintf("%s: %s\n", pair.name, pair.value)
	}
	return text
}

// fieldsOf are fields that may be sent.
func fieldsOf(pairs ...pair) *http.Fields {
	fields := http.MakeFields()
	for _, pair := range pairs {
		if fields.Append(pair.name, []byte(pair.value)).IsErr() {
			panic("the field is refused: " + pair.name)
		}
	}
	return fields
}

func block(ready *wasi_io_poll.Pollable) {
	ready.Block()
	ready.Drop()
}

// drain reads a body's stream to its end or until take is false, and drops it. The error says why it broke off.
func drain(body *http.IncomingBody, size uint64, take func(piece []byte) bool) error {
	stream := body.Stream().Ok()
	defer stream.Drop()
	for {
		read := stream.BlockingRead(size)
		if read.IsErr() {
			return broken(read.Err())
		}
		piece := append([]byte{}, read.Ok()...)
		arena.Release()
		if !take(piece) {
			return nil
		}
	}
}

// broken is nil if the stream came to its end.
func broken(err wasi_io_streams.StreamError) error {
	if err.Tag() == wasi_io_streams.StreamError_Closed {
		return nil
	}
	cause := err.LastOperationFailed()
	defer cause.Drop()
	code := http.HttpErrorCode(cause).SomeOr(http.MakeErrorCodeInternalError(wit.None[string]()))
	arena.Release()
	return &failure{code}
}

// trailersOf takes a body that was read.
func trailersOf(body *http.IncomingBody) ([]pair, error) {
	future := http.IncomingBodyFinish(body)
	defer future.Drop()
	block(future.Subscribe())
	got := future.Get().Some().Ok()
	arena.Release()
	if got.IsErr() {
		return nil, &failure{got.Err()}
	}
	if trailers := got.Ok(); trailers.IsSome() {
		return entries(trailers.Some()), nil
	}
	return nil, nil
}

// received reads a body to its end: how many bytes, how it ended, its trailers.
func received(body *http.IncomingBody) string {
	bytes := 0
	var trailers []pair
	err := drain(body, 65536, func(piece []byte) bool {
		bytes += len(piece)
		return true
	})
	if err == nil {
		trailers, err = trailersOf(body)
	} else {
		body.Drop()
	}
	if err != nil {
		return fmt.Sprintf("bytes=%d\nend=%v\n", bytes, err)
	}
	return fmt.Sprintf("bytes=%d\nend=whole\n%s", bytes, listed(trailers))
}

// answer is one whose head is out and whose body is being written.
type answer struct {
	body   *http.OutgoingBody
	stream *wasi_io_streams.OutputStream
}

func start(out *http.ResponseOutparam, status uint16, fields ...pair) *answer {
	response := http.MakeOutgoingResponse(fieldsOf(fields...))
	if response.SetStatusCode(status).IsErr() {
		panic("the status is refused")
	}
	body := response.Body().Ok()
	http.ResponseOutparamSet(out, wit.Ok[*http.OutgoingResponse, http.ErrorCode](response))
	return &answer{body, body.Write().Ok()}
}

// write waits until the host has taken it; false if the client is gone.
func (answer *answer) write(bytes []byte) bool { return writeAll(answer.stream, bytes) }

func (answer *answer) finish(trailers ...pair) {
	answer.stream.Drop()
	// Whether anybody took it or not: this was all.
	finish(answer.body, trailers)
}

// tell writes text and ends the body.
func (answer *answer) tell(text string) {
	answer.write([]byte(text))
	answer.finish()
}

func writeAll(stream *wasi_io_streams.OutputStream, bytes []byte) bool {
	for len(bytes) > 0 {
		now := min(len(bytes), 4096)
		wrote := stream.BlockingWriteAndFlush(bytes[:now])
		if wrote.IsErr() {
			broken(wrote.Err())
			return false
		}
		bytes = bytes[now:]
	}
	return true
}

func finish(body *http.OutgoingBody, trailers []pair) error {
	fields := wit.None[*http.Fields]()
	if trailers != nil {
		fields = wit.Some(fieldsOf(trailers...))
	}
	finished := http.OutgoingBodyFinish(body, fields)
	arena.Release()
	if finished.IsErr() {
		return &failure{finished.Err()}
	}
	return nil
}
