-- Key-value stores. Keys are blobs so that they sort by byte; `value` stands last so that a scan of keys and expiries
-- never walks into the overflow pages of large values.
CREATE TABLE kv_store (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- What its entries take, as kv/account.rs counts it.
    bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE kv_entry (
    id INTEGER PRIMARY KEY,
    store INTEGER NOT NULL REFERENCES kv_store (id),
    -- Unix milliseconds; null: never.
    expires INTEGER,
    key BLOB NOT NULL,
    value BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX kv_entry_by_key ON kv_entry (store, key);
-- An index ends in the row's id, so this one lists a store in the order of ids.
CREATE INDEX kv_entry_by_id ON kv_entry (store);
CREATE INDEX kv_entry_by_expiry ON kv_entry (expires) WHERE expires IS NOT NULL;
