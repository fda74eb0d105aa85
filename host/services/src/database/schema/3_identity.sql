-- API keys, sessions and second factors. Times are Unix milliseconds, lists JSON. (What stands inside of a statement lies in
-- the schema's own page, which is small; so the notes are out here.)

-- `authenticator` is NAME of [auth.NAME]; `hash` is the keyed hash of the key's text, `former` that of the text before the last
-- rotation.
CREATE TABLE api_key (id TEXT PRIMARY KEY, name TEXT NOT NULL, authenticator TEXT NOT NULL, subject TEXT NOT NULL,
tenant TEXT, roles TEXT NOT NULL, scopes TEXT NOT NULL, hash BLOB NOT NULL, former BLOB, former_until INTEGER,
created INTEGER NOT NULL, expires INTEGER, rotated INTEGER, revoked INTEGER, used INTEGER) STRICT;

-- `hash` is of the id in the client's cookie; `seen` the last request, to within a part of the idle life; `person` (JSON) what the
-- provider says of whom it is for; `tokens` (JSON) the provider's tokens.
CREATE TABLE session (hash BLOB PRIMARY KEY, authenticator TEXT NOT NULL, subject TEXT NOT NULL, created INTEGER NOT NULL,
seen INTEGER NOT NULL, idle INTEGER NOT NULL, expires INTEGER NOT NULL, person TEXT NOT NULL, tokens TEXT NOT NULL)
STRICT, WITHOUT ROWID;

-- `secret` is that of the codes (RFC 6238), `step` that of the last code that was taken: it and all before it are used up;
-- `recovery` lists keyed hashes of the codes that are left.
CREATE TABLE second_factor (authenticator TEXT NOT NULL, subject TEXT NOT NULL, secret BLOB NOT NULL, step INTEGER NOT NULL,
recovery TEXT NOT NULL, failures INTEGER NOT NULL, failing_since INTEGER NOT NULL, PRIMARY KEY (authenticator, subject))
STRICT, WITHOUT ROWID;
