package ostler

// What a component has and a native test has not: the export that the host calls, and the host's log and HTTP as defaults.

import (
	"log/slog"
	"net/http"

	_ "ostler/internal/bindings/exports/wit_exports"
)

func init() {
	slog.SetDefault(slog.New(NewLogHandler()))
	http.DefaultTransport = Transport
}
