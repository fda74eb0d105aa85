-- Plugins defined over the API, and the releases of all plugins. Times are Unix milliseconds, digests 32 bytes.
CREATE TABLE plugin_definition (
    name TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE release (
    id INTEGER PRIMARY KEY,
    plugin TEXT NOT NULL,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    handler TEXT NOT NULL,
    compile_ms INTEGER NOT NULL,
    -- A JSON array of texts.
    warnings TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    activated_at INTEGER NOT NULL,
    UNIQUE (plugin, digest)
) STRICT;
CREATE INDEX release_by_digest ON release (digest);
-- The history of a plugin as a stack: its last row is what is live, a rollback takes rows away.
CREATE TABLE activation (
    id INTEGER PRIMARY KEY,
    plugin TEXT NOT NULL,
    release INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX activation_by_plugin ON activation (plugin);
CREATE INDEX activation_by_release ON activation (release);
-- What machine code must hash to before it may be loaded; ids are in the order of storing.
CREATE TABLE machine_code (
    id INTEGER PRIMARY KEY,
    compat TEXT NOT NULL,
    digest BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    UNIQUE (compat, digest)
) STRICT;
CREATE INDEX machine_code_by_digest ON machine_code (digest);
