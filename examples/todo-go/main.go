// A to-do list over HTTP: list, add, change, delete.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"

	"ostler"
	"ostler/experiment"
	"ostler/flags"
)

const longestTitle = 200

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/todos", ostler.Func(collection))
	mux.Handle("/todos/{id}", ostler.Func(item))
	mux.Handle("/", errNotFound)
	return mux
}

func collection(w http.ResponseWriter, r *http.Request) error {
	switch r.Method {
	case http.MethodGet:
		all, err := list()
		if err != nil {
			return err
		}
		return ostler.JSON(w, http.StatusOK, map[string]any{"todos": all})
	case http.MethodPost:
		return add(w, r)
	default:
		return ostler.MethodNotAllowed("GET, POST")
	}
}

func add(w http.ResponseWriter, r *http.Request) error {
	body, err := readObject(r)
	if err != nil {
		return err
	}
	title, err := titleOf(body["title"])
	if err != nil {
		return err
	}
	flags.AddContext(map[string]any{"title": title})
	if flags.Boolean("todos-closed", false) {
		return ostler.NewProblem(http.StatusServiceUnavailable, "closed", "no to-dos are taken at the moment")
	}
	todo, err := create(title)
	if err != nil {
		return err
	}
	experiment.Track("todos.added", 1)
	slog.Info("todo created", "id", todo.ID)
	w.Header().Set("Location", fmt.Sprintf("/todos/%d", todo.ID))
	return ostler.JSON(w, http.StatusCreated, todo)
}

func item(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r.PathValue("id"))
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPatch && r.Method != http.MethodDelete:
		return ostler.MethodNotAllowed("GET, PATCH, DELETE")
	case err != nil:
		return err
	case r.Method == http.MethodPatch:
		return patch(w, r, id)
	case r.Method == http.MethodDelete:
		return remove(w, id)
	}
	todo, _, err := read(id)
	if err != nil {
		return err
	}
	return ostler.JSON(w, http.StatusOK, todo)
}

func patch(w http.ResponseWriter, r *http.Request, id int64) error {
	if _, _, err := read(id); err != nil {
		return err
	}
	body, err := readObject(r)
	if err != nil {
		return err
	}
	todo, err := change(id, func(todo *Todo) error { return apply(body, todo) })
	if err != nil {
		return err
	}
	slog.Info("todo changed", "id", id)
	return ostler.JSON(w, http.StatusOK, todo)
}

func remove(w http.ResponseWriter, id int64) error {
	existed, err := todos.Delete(keyOf(id))
	if err != nil {
		return err
	}
	if !existed {
		return errNotFound
	}
	slog.Info("todo deleted", "id", id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readObject is the body as a JSON object.
func readObject(r *http.Request) (map[string]json.RawMessage, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(data, &body); err != nil || body == nil {
		return nil, ostler.NewProblem(http.StatusBadRequest, "invalid_json", "the body is not a JSON object")
	}
	return body, nil
}

// apply puts the changes that a body asks for on a to-do.
func apply(body map[string]json.RawMessage, todo *Todo) error {
	title, named := body["title"]
	done, told := body["done"]
	if !named && !told {
		return ostler.NewProblem(http.StatusUnprocessableEntity, "nothing_to_change", "name a title, or whether it is done")
	}
	if text := string(done); told && text != "true" && text != "false" {
		return ostler.NewProblem(http.StatusUnprocessableEntity, "invalid_done", "done must be true or false")
	}
	if told {
		todo.Done = string(done) == "true"
	}
	if !named {
		return nil
	}
	var err error
	todo.Title, err = titleOf(title)
	return err
}

// titleOf is a title from a body, trimmed.
func titleOf(value json.RawMessage) (string, error) {
	var title string
	isText := len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &title) == nil
	title = strings.TrimSpace(title)
	if count := utf8.RuneCountInString(title); !isText || count < 1 || count > longestTitle {
		return "", ostler.NewProblem(http.StatusUnprocessableEntity, "invalid_title", "title must be a text of 1 to 200 characters")
	}
	return title, nil
}

func init() { ostler.Handle(handler()) }

// main does not run: the host calls the handler.
func main() {}
