// Package tests holds the SDK's own tests, over the stand-ins.
package tests

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ostler"
	"ostler/config"
	"ostler/internal/host"
	"ostler/internal/serve"
	"ostler/kv"
	"ostler/ostlertest"
)

func check(t *testing.T, ok bool, what ...any) {
	t.Helper()
	if !ok {
		t.Error(what...)
	}
}

// answer sends a typed request, as the export does.
func answer(t *testing.T, handler http.Handler, request *host.Request) (*host.Response, error) {
	t.Helper()
	serve.Handler = handler
	t.Cleanup(func() { serve.Handler = nil })
	return serve.Answer(request)
}

func TestATypedRequestIsOneOfNetHTTP(t *testing.T) {
	ostlertest.New(t).WithClientAddress("192.0.2.7").WithDeadlineLeft(time.Minute)
	request := &host.Request{Method: "POST", Target: "/a%20b?x=1", Body: []byte("body"),
		Headers: []host.Field{{Name: "host", Value: "example.com"}, {Name: "x-one", Value: "1"}, {Name: "x-one", Value: "2"}}}
	response, err := answer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		check(t, string(body) == "body" && r.ContentLength == 4, string(body))
		check(t, r.URL.Path == "/a b" && r.FormValue("x") == "1" && r.RequestURI == "/a%20b?x=1", r.URL)
		check(t, r.Host == "example.com" && r.RemoteAddr == "192.0.2.7:0" && len(r.Header.Values("X-One")) == 2, r.Header)
		until, ok := r.Context().Deadline()
		check(t, ok && time.Until(until) > 50*time.Second, until)
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("X-Late", "1")
		_, _ = io.WriteString(w, "made")
	}), request)
	check(t, err == nil && response.Status == 201 && string(response.Body) == "made", response, err)
	want := []host.Field{{Name: "set-cookie", Value: "a=1"}, {Name: "set-cookie", Value: "b=2"}}
	check(t, slices.Equal(response.Headers, want), response.Headers)
}

func TestTheMediaTypeIsToldUnlessTheHandlerDid(t *testing.T) {
	ostlertest.New(t)
	response, _ := answer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>")
	}), &host.Request{Method: "GET", Target: "/"})
	check(t, response.Headers[0].Value == "text/html; charset=utf-8", response.Headers)
	response, _ = answer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), &host.Request{Method: "GET", Target: "/"})
	check(t, response.Status == 200 && len(response.Headers) == 0, response)
}

func TestFailuresAndPanicsAreTheHosts(t *testing.T) {
	its := ostlertest.New(t)
	request := &host.Request{Method: "GET", Target: "/"}
	_, err := answer(t, ostler.Func(func(http.ResponseWriter, *http.Request) error { return errors.New("secret") }), request)
	check(t, err != nil && err.Error() == "secret", err)
	_, err = answer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }), request)
	check(t, err != nil && strings.Contains(err.Error(), "boom"), err)
	line := its.Lines()[0]
	check(t, line.Level == "error" && strings.Contains(line.Fields["stack"], "sdk_test.go"), line)
	response, err := answer(t, http.DefaultServeMux, &host.Request{Method: "GET", Target: "not a target"})
	check(t, err == nil && response.Status == 400, response)
}

func TestAProblemIsJSON(t *testing.T) {
	ostlertest.New(t).WithRequestID("r-1")
	recorder := httptest.NewRecorder()
	ostler.MethodNotAllowed("GET, POST").ServeHTTP(recorder, nil)
	check(t, recorder.Code == 405 && recorder.Header().Get("Allow") == "GET, POST", recorder)
	check(t, recorder.Header().Get("Content-Type") == "application/problem+json", recorder.Header())
	want := `{"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"this path answers GET, POST",` +
		`"code":"method_not_allowed","request_id":"r-1"}`
	check(t, recorder.Body.String() == want, recorder.Body)

	recorder = httptest.NewRecorder()
	failing := ostler.Func(func(http.ResponseWriter, *http.Request) error { return errors.New("secret") })
	failing.ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil))
	check(t, recorder.Code == 500 && !strings.Contains(recorder.Body.String(), "secret"), recorder.Body)
}

func TestJSONThatDoesNotFitIsToldApart(t *testing.T) {
	for body, status := range map[string]int{"[1": 400, "": 400, "{}": 422, "[\"a\"]": 422} {
		var list []int
		var problem *ostler.Problem
		err := ostler.ReadJSON(httptest.NewRequest("POST", "/", strings.NewReader(body)), &list)
		check(t, errors.As(err, &problem) && problem.Status == status, body, err)
	}
	request := httptest.NewRequest("POST", "/", strings.NewReader("[1]"))
	request.Header.Set("Content-Type", "text/plain")
	check(t, ostler.ReadJSON(request, &[]int{}) != nil, "415")
}

func TestStoresKeepTheirLimits(t *testing.T) {
	its := ostlertest.New(t).KV("s").Put("s", "word", "x")
	store := kv.Open("s")
	check(t, store.SetWithTTL("t", []byte{}, 5*time.Second) == nil, "ttl")
	value, err := store.Get("t")
	check(t, err == nil && value != nil && len(value) == 0, value)
	its.Advance(5 * time.Second)
	value, err = store.Get("t")
	check(t, err == nil && value == nil, value)
	sum, err := store.Increment("n", 2)
	check(t, err == nil && sum == 2, err)
	_, err = store.Increment("word", 1)
	check(t, errors.Is(err, kv.ErrNotANumber), err)
	_, err = kv.Open("other").Get("a")
	check(t, errors.Is(err, kv.ErrDenied) && strings.Contains(err.Error(), `grant = { kv = ["other"] }`), err)
	check(t, errors.Is(store.Set("", nil), kv.ErrInvalid), "key")
	check(t, errors.Is(store.Set("k", make([]byte, 1<<20+1)), kv.ErrInvalid), "value")
	did, err := store.CompareAndSwap("c", nil, []byte("1"))
	check(t, err == nil && did, err)
	did, _ = store.CompareAndSwap("c", nil, []byte("2"))
	check(t, !did, "swapped although something was there")
	existed, _ := store.Delete("c")
	check(t, existed, "deleted")
}

func TestKeysComeInPages(t *testing.T) {
	ostlertest.New(t).KV("s")
	store := kv.Open("s")
	check(t, store.SetMany([]kv.Entry{{Key: "k/3"}, {Key: "k/1", Value: []byte("a")}, {Key: "k/2"}, {Key: "l"}}) == nil, "set")
	var all []string
	for keys, err := range store.Pages("k/", 2) {
		check(t, err == nil && len(keys) <= 2, keys, err)
		all = append(all, keys...)
	}
	check(t, slices.Equal(all, []string{"k/1", "k/2", "k/3"}), all)
	values, err := store.GetMany([]string{"k/1", "gone", "k/3"})
	check(t, err == nil && string(values[0]) == "a" && values[1] == nil && values[2] != nil, values)
	check(t, store.DeleteMany(all) == nil, "delete")
}

func TestLinesKeepLevelAndFields(t *testing.T) {
	its := ostlertest.New(t).WithConfig("greeting", "hi")
	slog.With("a", 1).WithGroup("g").Warn("made", "slug", "abc", slog.Group("h", "n", 2))
	ostler.Trace("fine")
	lines := its.Lines()
	check(t, lines[0].Level == "warn" && lines[0].Message == "made", lines)
	check(t, lines[0].Fields["a"] == "1" && lines[0].Fields["g.slug"] == "abc" && lines[0].Fields["g.h.n"] == "2", lines)
	check(t, lines[1].Level == "trace", lines)
	check(t, config.GetOr("greeting", "") == "hi" && config.GetOr("x", "y") == "y" && len(config.All()) == 1, "config")
	check(t, ostler.Current().RequestID == "test-request" && ostler.DeadlineLeft() == 2*time.Second, "context")
}

func TestOtherServersAreAskedByTheHost(t *testing.T) {
	its := ostlertest.New(t)
	_, err := http.Get("https://api.test/")
	check(t, errors.Is(err, ostler.ErrDenied), err)
	its.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "down.test" {
			panic(http.ErrAbortHandler)
		}
		body, _ := io.ReadAll(r.Body)
		check(t, r.Method == "POST" && r.Header.Get("Content-Type") == "text/plain" && string(body) == "x", r.Header)
		w.WriteHeader(http.StatusTeapot)
	}))
	response, err := http.Post("https://api.test/v1", "text/plain", strings.NewReader("x"))
	check(t, err == nil && response.StatusCode == http.StatusTeapot, err)
	_, err = http.Get("https://down.test/")
	check(t, errors.Is(err, ostler.ErrFailed), err)
	past, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	request, _ := http.NewRequestWithContext(past, "GET", "https://api.test/", nil)
	_, err = (&http.Client{Transport: ostler.Transport}).Do(request)
	check(t, errors.Is(err, context.DeadlineExceeded), err)
}
