package ostler

import (
	"context"
	"log/slog"

	"ostler/internal/host"
)

// LevelTrace is the level below slog.LevelDebug.
const LevelTrace = slog.Level(-8)

// NewLogHandler writes records to the host's log, which adds plugin, release and request id, and decides which levels it keeps.
// In a component it is slog's default.
func NewLogHandler() slog.Handler { return logHandler{} }

type logHandler struct {
	// group is the prefix of names: "a.b.".
	group  string
	fields [][2]string
}

func (logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h logHandler) Handle(_ context.Context, record slog.Record) error {
	fields := append([][2]string{}, h.fields...)
	record.Attrs(func(attr slog.Attr) bool {
		fields = flatten(fields, h.group, attr)
		return true
	})
	host.Current().Log(levelOf(record.Level), record.Message, fields)
	return nil
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	fields := append([][2]string{}, h.fields...)
	for _, attr := range attrs {
		fields = flatten(fields, h.group, attr)
	}
	return logHandler{group: h.group, fields: fields}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return logHandler{group: h.group + name + ".", fields: h.fields}
}

func flatten(fields [][2]string, prefix string, attr slog.Attr) [][2]string {
	value := attr.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		if attr.Key == "" {
			return fields
		}
		return append(fields, [2]string{prefix + attr.Key, value.String()})
	}
	if attr.Key != "" {
		prefix += attr.Key + "."
	}
	for _, inner := range value.Group() {
		fields = flatten(fields, prefix, inner)
	}
	return fields
}

// levelOf is the contract's level at or below a level of slog's.
func levelOf(level slog.Level) uint8 {
	switch {
	case level < slog.LevelDebug:
		return 0
	case level < slog.LevelInfo:
		return 1
	case level < slog.LevelWarn:
		return 2
	case level < slog.LevelError:
		return 3
	default:
		return 4
	}
}

// Trace writes a line at LevelTrace; for the other levels there are slog.Debug, Info, Warn and Error.
func Trace(message string, args ...any) { slog.Log(context.Background(), LevelTrace, message, args...) }
