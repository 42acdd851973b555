-- What is being composed, and what is kept for composing.

CREATE TABLE draft(
  id TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  is_open INTEGER NOT NULL CHECK(is_open IN (0, 1)),
  changed_at TEXT NOT NULL,
  doc TEXT NOT NULL CHECK(json_valid(doc))
) STRICT;

CREATE TABLE element(
  id TEXT PRIMARY KEY,
  changed_at TEXT NOT NULL,
  doc TEXT NOT NULL CHECK(json_valid(doc))
) STRICT;
