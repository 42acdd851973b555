-- The journal of paid work. What the code must not do, the triggers refuse.

CREATE TABLE transition(
  frm TEXT NOT NULL, ev TEXT NOT NULL, dst TEXT NOT NULL,
  PRIMARY KEY(frm, ev)
) STRICT, WITHOUT ROWID;

CREATE TABLE job(
  id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL UNIQUE,
  state TEXT NOT NULL,
  provider TEXT NOT NULL,
  created_at TEXT NOT NULL,
  doc TEXT NOT NULL CHECK(json_valid(doc))
) STRICT;

-- Append-only history. A job's state is the end of its last event, and of nothing else.
CREATE TABLE event(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL REFERENCES job,
  frm TEXT NOT NULL, ev TEXT NOT NULL, dst TEXT NOT NULL,
  at TEXT NOT NULL,
  take_sha256 TEXT
) STRICT;
CREATE INDEX event_of_job ON event(job_id, seq);

CREATE TRIGGER job_starts BEFORE INSERT ON job WHEN NEW.state <> 'draft'
  BEGIN SELECT RAISE(ABORT, 'a job starts as a draft'); END;
CREATE TRIGGER job_stays BEFORE DELETE ON job
  BEGIN SELECT RAISE(ABORT, 'jobs are never deleted'); END;
CREATE TRIGGER job_follows_events BEFORE UPDATE OF state ON job
  WHEN NEW.state IS NOT (SELECT dst FROM event WHERE job_id = NEW.id ORDER BY seq DESC LIMIT 1)
  BEGIN SELECT RAISE(ABORT, 'job state without its event'); END;

CREATE TRIGGER event_legal BEFORE INSERT ON event
  WHEN NEW.frm IS NOT (SELECT state FROM job WHERE id = NEW.job_id)
    OR NOT EXISTS(SELECT 1 FROM transition WHERE frm = NEW.frm AND ev = NEW.ev AND dst = NEW.dst)
  BEGIN SELECT RAISE(ABORT, 'illegal move'); END;
CREATE TRIGGER event_moves AFTER INSERT ON event
  BEGIN UPDATE job SET state = NEW.dst WHERE id = NEW.job_id; END;
CREATE TRIGGER event_fixed BEFORE UPDATE ON event
  BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER event_kept BEFORE DELETE ON event
  BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;

-- "Send again": good for one attempt.
CREATE TABLE approval(
  id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL REFERENCES job,
  cap_cents INTEGER NOT NULL,
  at TEXT NOT NULL,
  spent_by TEXT UNIQUE
) STRICT;

-- One POST each, recorded before its first byte leaves.
CREATE TABLE attempt(
  id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL REFERENCES job,
  provider TEXT NOT NULL,
  account_fp TEXT NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('INTENT', 'NOT_SENT', 'REJECTED', 'ACCEPTED', 'UNKNOWN', 'WAIVED')),
  asset_url TEXT NOT NULL,
  body_sha256 TEXT NOT NULL,
  intent_at TEXT NOT NULL,
  approval_id TEXT UNIQUE REFERENCES approval,
  remote_id TEXT
) STRICT;
CREATE INDEX attempt_of_job ON attempt(job_id);
CREATE UNIQUE INDEX one_open ON attempt(job_id) WHERE state IN ('INTENT', 'UNKNOWN');
CREATE UNIQUE INDEX one_remote ON attempt(provider, account_fp, remote_id) WHERE remote_id IS NOT NULL;

CREATE TRIGGER attempt_starts BEFORE INSERT ON attempt
  WHEN NEW.state <> 'INTENT'
    OR EXISTS(SELECT 1 FROM attempt WHERE job_id = NEW.job_id AND state = 'ACCEPTED')
    OR (EXISTS(SELECT 1 FROM attempt WHERE job_id = NEW.job_id AND state = 'WAIVED')
        AND NOT EXISTS(SELECT 1 FROM approval
                       WHERE id = NEW.approval_id AND job_id = NEW.job_id AND spent_by IS NULL))
  BEGIN SELECT RAISE(ABORT, 'attempt refused'); END;
CREATE TRIGGER approval_spent AFTER INSERT ON attempt WHEN NEW.approval_id IS NOT NULL
  BEGIN UPDATE approval SET spent_by = NEW.id WHERE id = NEW.approval_id; END;
CREATE TRIGGER approval_fixed BEFORE UPDATE OF spent_by ON approval WHEN OLD.spent_by IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'approval spent'); END;
CREATE TRIGGER attempt_moves BEFORE UPDATE OF state ON attempt
  WHEN NOT (OLD.state = 'INTENT'
         OR (OLD.state = 'UNKNOWN' AND NEW.state IN ('ACCEPTED', 'WAIVED'))
         OR (OLD.state = 'WAIVED' AND NEW.state = 'ACCEPTED'))
  BEGIN SELECT RAISE(ABORT, 'attempt state'); END;
CREATE TRIGGER attempt_kept BEFORE DELETE ON attempt
  BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END;

-- Real charges, as the provider told them. Never an estimate.
CREATE TABLE charge(
  job_id TEXT PRIMARY KEY REFERENCES job,
  provider TEXT NOT NULL,
  amount TEXT NOT NULL,
  currency TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;

CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL CHECK(json_valid(value))) STRICT;
