// Package ostler is for handlers of Ostler, the production host for Wasm, in Go: they are http.Handlers.
//
//	package main
//
//	func init() {
//		http.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
//			fmt.Fprintf(w, "Hello, %s!", r.PathValue("name"))
//		})
//		ostler.Handle(nil)
//	}
//
//	func main() {}
//
// In a component, slog and log write to the host's log, and http.DefaultTransport sends by the host. An instance answers one
// request at a time, and nothing runs between two: goroutines that a handler starts must have ended when it returns.
package ostler

import (
	"net/http"
	"time"

	"ostler/internal/host"
	"ostler/internal/serve"
)

// Handle names the handler that answers all requests; nil stands for http.DefaultServeMux. Call it in an init function: main
// does not run in a component.
func Handle(handler http.Handler) { serve.Handler = handler }

// Exchange is what the host knows of the request being answered.
type Exchange struct {
	// RequestID is x-request-id of the reply.
	RequestID string
	// Route is the path pattern of the route that matched.
	Route string
	// Plugin is the name of this plugin.
	Plugin string
	// Release is the digest of the component that runs: "sha256:...".
	Release string
	// ClientAddress has no port.
	ClientAddress string
}

// Current is the exchange being answered.
func Current() Exchange { return Exchange(host.Current().Exchange()) }

// DeadlineLeft is how long until the host ends the call. The context of each request ends at the same time.
func DeadlineLeft() time.Duration { return host.Current().DeadlineLeft() }
