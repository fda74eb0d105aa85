package ostler

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// JSON answers with a value as application/json. A value without a JSON form is an error, and nothing is written.
func JSON(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// Text answers with a text.
func Text(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, err := io.WriteString(w, text)
	return err
}

// ReadJSON reads the body into a value. The error is a *Problem: 415 if a type is named that is not JSON, 400 if the body is
// malformed, 422 if it does not fit the value.
func ReadJSON(r *http.Request, value any) error {
	if kind := r.Header.Get("Content-Type"); kind != "" && !isJSON(kind) {
		return NewProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", "expected application/json, found "+kind)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	err = json.Unmarshal(body, value)
	var misfit *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &misfit):
		return NewProblem(http.StatusUnprocessableEntity, "invalid_value", err.Error())
	default:
		return NewProblem(http.StatusBadRequest, "invalid_json", "the body is not JSON: "+err.Error())
	}
}

func isJSON(kind string) bool {
	essence, _, err := mime.ParseMediaType(kind)
	return err == nil && (essence == "application/json" || strings.HasSuffix(essence, "+json"))
}
