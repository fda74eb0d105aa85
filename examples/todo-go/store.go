package main

// To-dos in the key-value store `todos`: as JSON, under `todo/` and the id in 12 digits.

import (
	"encoding/json"
	"fmt"
	"strconv"

	"ostler"
	"ostler/kv"
)

const (
	prefix = "todo/"
	page   = 500
	// lastID is the largest id that a key has room for.
	lastID = 999_999_999_999
)

var todos = kv.Open("todos")

// Todo is a thing to do.
type Todo struct {
	ID    int64  `json:"id"`
	Title string `json:"title"`
	Done  bool   `json:"done"`
}

func keyOf(id int64) string { return fmt.Sprintf("%s%012d", prefix, id) }

// idOf is the id that a path names.
func idOf(text string) (int64, error) {
	id, err := strconv.ParseUint(text, 10, 63)
	if err != nil || id < 1 || id > lastID {
		return 0, errNotFound
	}
	return int64(id), nil
}

var errNotFound = ostler.NotFound("there is nothing here; to-dos are at /todos")

// list is all to-dos, ascending by id. What is deleted while it reads is passed over.
func list() ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	for keys, err := range todos.Pages(prefix, page) {
		if err != nil {
			return nil, err
		}
		values, err := todos.GetMany(keys)
		if err != nil {
			return nil, err
		}
		for _, value := range values {
			if value != nil {
				all = append(all, value)
			}
		}
	}
	return all, nil
}

func create(title string) (Todo, error) {
	id, err := todos.Increment("next", 1)
	todo := Todo{ID: id, Title: title}
	if err != nil {
		return todo, err
	}
	return todo, todos.SetJSON(keyOf(id), todo)
}

// read is a to-do, and the bytes it was read from.
func read(id int64) (todo Todo, stored []byte, err error) {
	stored, err = todos.Get(keyOf(id))
	switch {
	case err != nil:
		return todo, nil, err
	case stored == nil:
		return todo, nil, errNotFound
	default:
		return todo, stored, json.Unmarshal(stored, &todo)
	}
}

// change puts changes on a to-do; it tries again as long as others change the same one at the same time, so that none is lost.
func change(id int64, apply func(*Todo) error) (Todo, error) {
	for {
		todo, stored, err := read(id)
		if err != nil {
			return todo, err
		}
		if err := apply(&todo); err != nil {
			return todo, err
		}
		changed, err := json.Marshal(todo)
		if err != nil {
			return todo, err
		}
		if swapped, err := todos.CompareAndSwap(keyOf(id), stored, changed); err != nil || swapped {
			return todo, err
		}
	}
}
