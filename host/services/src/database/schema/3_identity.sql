-- API keys, sessions and second factors. Times are Unix milliseconds.

CREATE TABLE api_key (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    authenticator TEXT NOT NULL,  -- NAME of [auth.NAME]
    subject       TEXT NOT NULL,
    tenant        TEXT,
    roles         TEXT NOT NULL,  -- JSON list
    scopes        TEXT NOT NULL,  -- JSON list
    hash          BLOB NOT NULL,  -- keyed hash of the key's text
    former        BLOB,           -- that of the text before the last rotation
    former_until  INTEGER,
    created       INTEGER NOT NULL,
    expires       INTEGER,
    rotated       INTEGER,
    revoked       INTEGER,
    used          INTEGER
) STRICT;

CREATE TABLE session (
    hash          BLOB PRIMARY KEY,  -- of the id in the client's cookie
    authenticator TEXT NOT NULL,
    subject       TEXT NOT NULL,
    created       INTEGER NOT NULL,
    seen          INTEGER NOT NULL,  -- the last request, to within a part of the idle life
    expires       INTEGER NOT NULL,  -- at the latest
    person        TEXT NOT NULL,     -- JSON: what the provider says of whom it is for
    tokens        TEXT NOT NULL      -- JSON: the provider's tokens
) STRICT, WITHOUT ROWID;

CREATE TABLE second_factor (
    authenticator TEXT NOT NULL,
    subject       TEXT NOT NULL,
    secret        BLOB,              -- of the codes (RFC 6238); null until enrolment is confirmed
    step          INTEGER NOT NULL,  -- of the last code that was taken: it and all before it are used up
    recovery      TEXT NOT NULL,     -- JSON list: keyed hashes of recovery codes that are left
    failures      INTEGER NOT NULL,
    failing_since INTEGER NOT NULL,
    PRIMARY KEY (authenticator, subject)
) STRICT, WITHOUT ROWID;
