-- What shows that nothing is missing, and what is not known because a backup was put back.

-- Every transaction counts. The seal beside the journal has the same number: one that is behind it has lost something.
CREATE TABLE tally(
  only INTEGER PRIMARY KEY CHECK(only = 1),
  commits INTEGER NOT NULL
) STRICT;

-- What happened between `since` and `at` is known to the providers only. `is_doubted`: every job that may have been sent
-- then says so. `seen`: whose lists were read, and how many edits were there that the journal does not know.
CREATE TABLE restoration(
  at TEXT PRIMARY KEY,
  since TEXT NOT NULL,
  is_doubted INTEGER NOT NULL DEFAULT 0 CHECK(is_doubted IN (0, 1)),
  seen TEXT NOT NULL DEFAULT '{}' CHECK(json_valid(seen))
) STRICT;
