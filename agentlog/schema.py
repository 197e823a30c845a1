"""The index as SQL. It is a cache of the journal: another version of this text means another index, built anew.

Version history: 1 the first.

The bodies of events stay in the journal; a row says where (`segment`, `place`, `size` in its plain text). What lists
need is kept in columns, so that a list parses no JSON. Booleans are 0 and 1, times are the text of `ids.timestamp`.

`at` is the order of everything: the event's id (its time, strictly increasing within a process, then chance). Where a
session was started by another one whose clock runs ahead, the parent's `at` is put before the id, so that a parent
always comes before its children.
"""

from __future__ import annotations

VERSION = 1

TABLES = """
CREATE TABLE about (                  -- what this index is
    name TEXT PRIMARY KEY,            -- "version", "folder"
    value TEXT NOT NULL
);

CREATE TABLE segments (               -- how far each segment has been read
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    place INTEGER NOT NULL DEFAULT 0, -- offset in the plain text where the next line starts
    bytes INTEGER NOT NULL DEFAULT 0, -- size of the file when it was last looked at
    lines INTEGER NOT NULL DEFAULT 0,
    torn INTEGER NOT NULL DEFAULT 0,  -- lines that are no JSON object, skipped
    schema INTEGER,                   -- version of the records, from segment.start
    host TEXT, pid INTEGER, boot TEXT, start TEXT,    -- the process that writes it
    ended INTEGER NOT NULL DEFAULT 0  -- it was closed in order
);

CREATE TABLE sessions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,     -- never used again: rows elsewhere may outlive it
    id TEXT NOT NULL UNIQUE,
    at TEXT,                          -- order of its start; its id until that was read
    segment INTEGER,                  -- where it started: that process is the session's
    life TEXT, agent TEXT, task TEXT, parent TEXT, host TEXT, pid INTEGER, python TEXT, notebook TEXT, kernel TEXT,
    cwd TEXT, argv TEXT,              -- argv: JSON list
    git TEXT, packages TEXT,          -- JSON objects, with what was learned later
    started TEXT, ended TEXT, how TEXT, detail TEXT
);
CREATE INDEX sessions_by_at ON sessions (at);
CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL;

CREATE TABLE executions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session INTEGER NOT NULL,
    at TEXT,                          -- order of its start; NULL until that was read
    segment INTEGER,
    ordinal INTEGER, count INTEGER, cell_id TEXT, source TEXT, notebook TEXT, within TEXT,
    own INTEGER NOT NULL DEFAULT 0, internal INTEGER NOT NULL DEFAULT 0,
    started TEXT, ended TEXT, status TEXT NOT NULL DEFAULT 'running', ms REAL,
    rss INTEGER, peak INTEGER,
    error TEXT, hash TEXT,            -- one line: "KeyError: 'x'"; the failure's hash
    reads TEXT, writes TEXT           -- names, one a line
);
CREATE INDEX executions_by_session ON executions (session, at, own, internal, status);    -- all that counting needs
CREATE INDEX executions_by_at ON executions (at);
CREATE INDEX executions_unwell ON executions (session, at) WHERE status NOT IN ('ok', 'not_run');
CREATE INDEX executions_unwell_by_at ON executions (at) WHERE status NOT IN ('ok', 'not_run');

CREATE TABLE failures (               -- every error, of a cell or not
    at TEXT NOT NULL, session INTEGER NOT NULL, execution INTEGER,
    type TEXT, message TEXT, hash TEXT, origin TEXT,
    segment INTEGER NOT NULL, place INTEGER NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (session, at)
) WITHOUT ROWID;
CREATE INDEX failures_by_hash ON failures (hash, at) WHERE hash IS NOT NULL;

CREATE TABLE tags (                   -- from outcomes and log lines
    tag TEXT NOT NULL, session INTEGER NOT NULL, execution INTEGER NOT NULL DEFAULT 0,   -- 0: the session itself
    segment INTEGER NOT NULL,
    PRIMARY KEY (tag, session, execution)
) WITHOUT ROWID;

CREATE TABLE events (                 -- every event, in order
    at TEXT PRIMARY KEY,
    session INTEGER NOT NULL, kind TEXT NOT NULL, execution INTEGER,
    segment INTEGER NOT NULL, place INTEGER NOT NULL, size INTEGER NOT NULL
) WITHOUT ROWID;
"""

COMMON_KINDS = "('stream', 'display', 'cell.start', 'cell.end', 'cell.namespace', 'log', 'span')"
"""Kinds of which there are many; an index over the others stays small and finds them at once."""

EVENT_INDEXES = f"""
CREATE INDEX events_by_session ON events (session, at);
CREATE INDEX events_by_execution ON events (execution, at) WHERE execution IS NOT NULL;
CREATE INDEX events_rare ON events (kind, at) WHERE kind NOT IN {COMMON_KINDS};
"""
"""Made after the first filling: one sort is cheaper than a million insertions."""
