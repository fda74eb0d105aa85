package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"ostler/ostlertest"
)

// send sends a request and holds the answer against a status and, unless empty, a body.
func send(t *testing.T, method, target, body string, status int, want string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	handler().ServeHTTP(answer, httptest.NewRequest(method, target, strings.NewReader(body)))
	if answer.Code != status || (want != "" && answer.Body.String() != want) {
		t.Errorf("%s %s %s: %d %s", method, target, body, answer.Code, answer.Body)
	}
	return answer
}

// refuse does the same for a problem's code.
func refuse(t *testing.T, method, target, body string, status int, code string) *httptest.ResponseRecorder {
	t.Helper()
	answer := send(t, method, target, body, status, "")
	var problem struct{ Code string }
	err := json.Unmarshal(answer.Body.Bytes(), &problem)
	if err != nil || problem.Code != code || answer.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s %s: %s", method, target, body, answer.Body)
	}
	return answer
}

func TestTodosAreAddedChangedAndDeleted(t *testing.T) {
	host := ostlertest.New(t).KV("todos")
	send(t, "GET", "/todos", "", 200, `{"todos":[]}`)
	made := send(t, "POST", "/todos", `{"title":" milk "}`, 201, `{"id":1,"title":"milk","done":false}`)
	if made.Header().Get("Location") != "/todos/1" || made.Header().Get("Content-Type") != "application/json" {
		t.Error(made.Header())
	}
	send(t, "POST", "/todos", `{"title":"tea"}`, 201, "")
	send(t, "PATCH", "/todos/1", `{"done":true,"x":1}`, 200, `{"id":1,"title":"milk","done":true}`)
	send(t, "PATCH", "/todos/1", `{"title":"oat"}`, 200, `{"id":1,"title":"oat","done":true}`)
	send(t, "GET", "/todos/1", "", 200, `{"id":1,"title":"oat","done":true}`)
	send(t, "GET", "/todos", "", 200, `{"todos":[{"id":1,"title":"oat","done":true},{"id":2,"title":"tea","done":false}]}`)
	send(t, "DELETE", "/todos/1", "", 204, "")
	refuse(t, "DELETE", "/todos/1", "", 404, "not_found")
	lines := host.Lines()
	if len(lines) != 5 || lines[4].Message != "todo deleted" || lines[4].Fields["id"] != "1" || lines[4].Level != "info" {
		t.Error(lines)
	}
	if string(host.Value("todos", "todo/000000000002")) != `{"id":2,"title":"tea","done":false}` {
		t.Error("not stored")
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	ostlertest.New(t).KV("todos")
	for body, code := range map[string]string{
		"": "invalid_json", "[]": "invalid_json", "null": "invalid_json", "{": "invalid_json",
		"{}": "invalid_title", `{"title":7}`: "invalid_title", `{"title":null}`: "invalid_title", `{"title":" \u3000 "}`: "invalid_title",
		`{"title":"` + strings.Repeat("é", 201) + `"}`: "invalid_title",
	} {
		refuse(t, "POST", "/todos", body, map[string]int{"invalid_json": 400, "invalid_title": 422}[code], code)
	}
	send(t, "POST", "/todos", `{"title":"`+strings.Repeat("é", 200)+`"}`, 201, "")
	refuse(t, "PATCH", "/todos/1", `{}`, 422, "nothing_to_change")
	refuse(t, "PATCH", "/todos/1", `{"done":1}`, 422, "invalid_done")
	refuse(t, "PATCH", "/todos/1", `{"title":"","done":true}`, 422, "invalid_title")
	refuse(t, "PATCH", "/todos/1", `nonsense`, 400, "invalid_json")
	refuse(t, "PATCH", "/todos/9", `nonsense`, 404, "not_found")
	for _, target := range []string{"/", "/todos/", "/todos/0", "/todos/-1", "/todos/+1", "/todos/x", "/todos/1/2", "/todos/99999999999999"} {
		refuse(t, "GET", target, "", 404, "not_found")
	}
	if allow := refuse(t, "PUT", "/todos", "", 405, "method_not_allowed").Header().Get("Allow"); allow != "GET, POST" {
		t.Error(allow)
	}
	if allow := refuse(t, "POST", "/todos/1", "", 405, "method_not_allowed").Header().Get("Allow"); allow != "GET, PATCH, DELETE" {
		t.Error(allow)
	}
}

func TestAChangeBesideAnotherIsNotLost(t *testing.T) {
	host := ostlertest.New(t).Put("todos", "todo/000000000001", `{"id":1,"title":"milk","done":false}`)
	host.BeforeChange(func() { host.Put("todos", "todo/000000000001", `{"id":1,"title":"tea","done":false}`) })
	send(t, "PATCH", "/todos/1", `{"done":true}`, 200, `{"id":1,"title":"tea","done":true}`)
}

func TestALongListIsWhole(t *testing.T) {
	ostlertest.New(t).KV("todos")
	for range 1203 {
		send(t, "POST", "/todos", `{"title":"x"}`, 201, "")
	}
	var body struct{ Todos []Todo }
	if err := json.Unmarshal(send(t, "GET", "/todos", "", 200, "").Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	for i, todo := range body.Todos {
		if todo.ID != int64(i+1) {
			t.Fatal(i, todo)
		}
	}
	if len(body.Todos) != 1203 {
		t.Error(len(body.Todos))
	}
}

func TestNoTodosAreTakenWhileTheFlagSaysSo(t *testing.T) {
	host := ostlertest.New(t).KV("todos").Flag("todos-closed", true)
	refuse(t, "POST", "/todos", `{"title":"milk"}`, 503, "closed")
	if host.FlagAttributes()["title"] != "milk" {
		t.Error(host.FlagAttributes())
	}
	host.Flag("todos-closed", false)
	send(t, "POST", "/todos", `{"title":"milk"}`, 201, "")
	if tracked := host.Tracked("todos.added"); len(tracked) != 1 {
		t.Error(tracked)
	}
}
