package ostler

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"ostler/internal/host"
	"ostler/internal/serve"
)

// Problem is a refusal that the client may read: RFC 9457 application/problem+json.
type Problem struct {
	// Status is 400 to 599.
	Status int
	// Code tells problems of one status apart, for programs, in snake_case; may be empty.
	Code string
	// Detail is for people.
	Detail string
	// Header is sent as well; may be nil.
	Header http.Header
}

// NewProblem is a refusal with a code for programs and a text for people.
func NewProblem(status int, code, detail string) *Problem {
	return &Problem{Status: status, Code: code, Detail: detail}
}

// NotFound is the problem 404.
func NotFound(detail string) *Problem { return NewProblem(http.StatusNotFound, "not_found", detail) }

// MethodNotAllowed is the problem 405 with the methods that would do: "GET, POST".
func MethodNotAllowed(allow string) *Problem {
	problem := NewProblem(http.StatusMethodNotAllowed, "method_not_allowed", "this path answers "+allow)
	problem.Header = http.Header{"Allow": {allow}}
	return problem
}

// Error is the problem as a line.
func (p *Problem) Error() string {
	return fmt.Sprintf("%d %s: %s", p.Status, http.StatusText(p.Status), p.Detail)
}

// ServeHTTP sends the problem, so that it can stand wherever a handler can.
func (p *Problem) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	body, _ := json.Marshal(struct {
		Type      string `json:"type"`
		Title     string `json:"title"`
		Status    int    `json:"status"`
		Detail    string `json:"detail"`
		Code      string `json:"code,omitempty"`
		RequestID string `json:"request_id"`
	}{"about:blank", http.StatusText(p.Status), p.Status, p.Detail, p.Code, host.Current().Exchange().RequestID})
	for name, values := range p.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}

// Func is a handler that may return an error. A *Problem is sent to the client; any other error is left to the host, which logs
// it and answers 500 without its text. Return errors before anything is written.
type Func func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP calls the function.
func (f Func) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := f(w, r)
	var problem *Problem
	switch {
	case err == nil:
	case errors.As(err, &problem):
		problem.ServeHTTP(w, r)
	case !serve.Fail(r, err):
		slog.Error(err.Error())
		NewProblem(http.StatusInternalServerError, "internal", "something went wrong").ServeHTTP(w, r)
	}
}
