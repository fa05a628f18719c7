-- What the first version made; tests begin from it.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    nick TEXT,
    face_url TEXT,
    -- Counts the changes of this owner's views.
    version INTEGER NOT NULL DEFAULT 0
);

-- kind 1: low and high are the accounts, in ascending order; kind 2: there is a row in groups.
-- last_time: the highest time of a message; unsorted: one is older than one ahead of it.
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    low INTEGER,
    high INTEGER,
    head INTEGER NOT NULL DEFAULT 0,
    last_time INTEGER NOT NULL DEFAULT 0,
    unsorted INTEGER NOT NULL DEFAULT 0,
    common INTEGER NOT NULL DEFAULT 0,
    common_time INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX conversations_of_two ON conversations (low, high) WHERE kind = 1;

CREATE TABLE groups (
    conversation INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    owner INTEGER,
    dissolved INTEGER NOT NULL DEFAULT 0
);

-- Clustered: a page of history is one range of leaves, and so is what the purge removes.
-- audience: ',1,2,' for a message that only these accounts see.
CREATE TABLE messages (
    conversation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    time INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    random INTEGER NOT NULL,
    audience TEXT,
    custom TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (conversation, position)
) WITHOUT ROWID;

-- floor: what this view can reach lies above; NULL when it can reach nothing any more.
CREATE TABLE views (
    owner INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    cleared_through INTEGER NOT NULL DEFAULT 0,
    propagated_through INTEGER NOT NULL DEFAULT 0,
    read_through INTEGER NOT NULL DEFAULT 0,
    hidden_through INTEGER,
    pinned INTEGER NOT NULL DEFAULT 0,
    sees_from INTEGER NOT NULL DEFAULT 0,
    sees_to INTEGER,
    own_head INTEGER NOT NULL DEFAULT 0,
    own_time INTEGER NOT NULL DEFAULT 0,
    floor INTEGER GENERATED ALWAYS AS (
        CASE WHEN sees_to <= max(cleared_through, sees_from) THEN NULL
             ELSE max(cleared_through, sees_from) END
    ) VIRTUAL,
    PRIMARY KEY (owner, conversation)
) WITHOUT ROWID;
-- The lowest floor of a conversation is one step into this index, however many members it has.
CREATE INDEX views_by_floor ON views (conversation, floor) WHERE floor IS NOT NULL;

CREATE TABLE device_views (
    owner INTEGER NOT NULL,
    device TEXT NOT NULL,
    conversation INTEGER NOT NULL,
    erase_through INTEGER NOT NULL,
    PRIMARY KEY (owner, device, conversation)
) WITHOUT ROWID;

-- In the order of arrival, so that the oldest are the first rows.
CREATE TABLE deletions (
    number INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL,
    id BLOB,
    target TEXT NOT NULL,
    clear INTEGER NOT NULL,
    cut_off INTEGER NOT NULL,
    device TEXT,
    at INTEGER NOT NULL
);
CREATE UNIQUE INDEX deletions_by_id ON deletions (owner, id) WHERE id IS NOT NULL;

-- Recognises repeated requests; in the order of arrival too.
CREATE TABLE recent_sends (
    number INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    random INTEGER NOT NULL,
    digest BLOB NOT NULL,
    time INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL
);
CREATE UNIQUE INDEX recent_sends_by_random ON recent_sends (conversation, sender, random, digest);

CREATE TABLE friends (
    owner INTEGER NOT NULL,
    friend INTEGER NOT NULL,
    remark TEXT,
    source TEXT,
    since INTEGER NOT NULL,
    PRIMARY KEY (owner, friend)
) WITHOUT ROWID;

-- Conversations in which a floor has risen.
CREATE TABLE purge_work (
    conversation INTEGER PRIMARY KEY
);
