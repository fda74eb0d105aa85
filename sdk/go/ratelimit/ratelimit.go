// Package ratelimit is for the rate limits of grant = { limits = ["exports"] }: for what costs inside a handler.
package ratelimit

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"ostler"
	"ostler/internal/host"
)

// Why a limit gave no decision; the host's words are in the error's text. Ask with errors.Is.
var (
	// ErrDenied: not granted; the text names the missing grant.
	ErrDenied = host.ErrDenied
	// ErrInvalid: a key (1 to 512 bytes) or cost (1 to 1,000,000) is outside its limits.
	ErrInvalid = host.ErrInvalid
	// ErrUnavailable: the shared store is gone, and the limit fails closed.
	ErrUnavailable = host.ErrUnavailable
)

// Decision is an answer of a limit.
type Decision = host.Decision

// Check takes cost from what key has left of the limit, all or nothing.
func Check(limit, key string, cost uint32) (Decision, error) {
	return host.Current().RateLimitCheck(limit, key, cost)
}

// Require is Check with a *ostler.Problem in place of a refusal: 429 "rate_limited" with Retry-After, or 503
// "limit_unavailable". It returns what is left.
func Require(limit, key string, cost uint32) (uint64, error) {
	decision, err := Check(limit, key, cost)
	if errors.Is(err, ErrUnavailable) {
		detail := "the limit on this cannot be checked at the moment"
		return 0, ostler.NewProblem(http.StatusServiceUnavailable, "limit_unavailable", detail)
	}
	if err != nil || decision.Admitted {
		return decision.Remaining, err
	}
	seconds := max(1, (decision.RetryAfter+time.Second-1)/time.Second)
	problem := ostler.NewProblem(http.StatusTooManyRequests, "rate_limited", fmt.Sprintf("too many of these; try again in %d s", seconds))
	problem.Header = http.Header{"Retry-After": {strconv.Itoa(int(seconds))}}
	return decision.Remaining, problem
}
