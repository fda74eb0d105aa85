-- What releases had to pass, how they take over, and feature flags. Times are Unix milliseconds, digests 32 bytes.
-- A JSON array: what each gate said.
ALTER TABLE release ADD COLUMN admission TEXT NOT NULL DEFAULT '[]';
-- What came with a release: its signature, its list of contents, its requests.
CREATE TABLE release_file (
    release INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (release, kind)
) STRICT, WITHOUT ROWID;
-- Components that a gate refused.
CREATE TABLE refusal (
    id INTEGER PRIMARY KEY,
    plugin TEXT NOT NULL,
    digest BLOB NOT NULL,
    admission TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX refusal_by_plugin ON refusal (plugin);
CREATE TABLE rollout (
    id INTEGER PRIMARY KEY,
    plugin TEXT NOT NULL,
    -- None for the first release of a plugin.
    stable BLOB,
    candidate BLOB NOT NULL,
    -- JSON.
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    step INTEGER NOT NULL,
    step_since INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX rollout_under_way ON rollout (plugin) WHERE ended_at IS NULL;
CREATE INDEX rollout_by_plugin ON rollout (plugin);
-- Each transition: who, when, why, on what evidence (JSON).
CREATE TABLE rollout_event (
    id INTEGER PRIMARY KEY,
    rollout INTEGER NOT NULL REFERENCES rollout (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    why TEXT NOT NULL,
    evidence TEXT
) STRICT;
CREATE INDEX rollout_event_by_rollout ON rollout_event (rollout);
-- Flags of the admin API: one JSON definition each, with the number of changes it has seen.
CREATE TABLE flag (
    key TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    who TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- Every change; a definition of NULL took the flag away.
CREATE TABLE flag_change (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    definition TEXT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX flag_change_by_key ON flag_change (key, version);
-- What was counted for each variant of a flag under experiment, for its exchanges (metric '') and for each metric, by group of
-- subjects.
CREATE TABLE experiment_count (
    experiment TEXT NOT NULL,
    variant TEXT NOT NULL,
    metric TEXT NOT NULL,
    -- When the experiment's first exchange was counted.
    since INTEGER NOT NULL,
    counts BLOB NOT NULL,
    PRIMARY KEY (experiment, variant, metric)
) STRICT, WITHOUT ROWID;
