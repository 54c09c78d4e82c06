-- The first schema: accounts, projects and their versions, generations, sandboxes and runs.
-- Forward only, one transaction, checksummed (docs/ARCHITECTURE.md, "Data").

-- Which database this is, dumped and restored with it. sandboxd keeps it beside the disk images and
-- removes orphans only for the database they belong to (sandboxd/custody.h).
CREATE TABLE installation (
	id  uuid NOT NULL DEFAULT gen_random_uuid(),
	one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE users (
	id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	email         text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
	password_hash text,                     -- argon2id, NULL: no password login
	role          text NOT NULL CHECK (role IN ('owner', 'member')),
	created_at    timestamptz NOT NULL DEFAULT now(),
	deleted_at    timestamptz
);
CREATE UNIQUE INDEX users_email ON users (email) WHERE deleted_at IS NULL;

CREATE TABLE api_keys (
	id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
	prefix       text NOT NULL,             -- what a person recognises it by: "slw_AbCd"
	hash         text NOT NULL UNIQUE,      -- lib/token.h
	created_at   timestamptz NOT NULL DEFAULT now(),
	last_used_at timestamptz
);
CREATE INDEX api_keys_user ON api_keys (user_id);

CREATE TABLE sessions (
	id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	hash         text NOT NULL UNIQUE,
	created_at   timestamptz NOT NULL DEFAULT now(),
	expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Wrong passwords by the address they were tried for, whether or not there is a user of it: a lock
-- must not tell which addresses exist.
CREATE TABLE password_failures (
	email        text PRIMARY KEY CHECK (length(email) <= 254),
	failed       integer NOT NULL,
	locked_until timestamptz,
	last_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX password_failures_age ON password_failures (last_at);

-- Slugs are never reused: a row stays when its project is purged.
CREATE TABLE slugs (
	slug       text PRIMARY KEY CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$'),
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE projects (
	id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	user_id      uuid NOT NULL REFERENCES users (id),
	slug         text NOT NULL UNIQUE REFERENCES slugs (slug),
	name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
	template     text,
	visibility   text NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'public')),
	head_version integer NOT NULL DEFAULT 0, -- 0: no version yet
	created_at   timestamptz NOT NULL DEFAULT now(),
	updated_at   timestamptz NOT NULL DEFAULT now(),
	deleted_at   timestamptz
);
CREATE INDEX projects_user ON projects (user_id, updated_at DESC, id) WHERE deleted_at IS NULL;

CREATE TABLE blobs (
	sha256     text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
	bytes      bytea NOT NULL CHECK (length(bytes) <= 10485760),
	created_at timestamptz NOT NULL DEFAULT now() -- renewed on reuse: the grace period counts from here
);
ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE generations (
	id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	project_id       uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	user_id          uuid NOT NULL REFERENCES users (id),
	mode             text NOT NULL CHECK (mode IN ('build', 'explain', 'fix')),
	provider         text NOT NULL,
	model            text NOT NULL,
	prompt           text NOT NULL,
	state            text NOT NULL DEFAULT 'running'
	                 CHECK (state IN ('running', 'done', 'failed', 'cancelled', 'interrupted')),
	version          integer,               -- the version it made
	error            jsonb,                 -- problem+json of a failed one
	prompt_tokens    integer,
	completion_tokens integer,
	cancel_requested boolean NOT NULL DEFAULT false,
	heartbeat_at     timestamptz NOT NULL DEFAULT now(),
	started_at       timestamptz NOT NULL DEFAULT now(),
	finished_at      timestamptz
);
CREATE INDEX generations_project ON generations (project_id, started_at DESC, id);
CREATE INDEX generations_running ON generations (heartbeat_at) WHERE state = 'running';
-- One at a time per project: two turns must not write the same files at once.
CREATE UNIQUE INDEX generations_one_running ON generations (project_id) WHERE state = 'running';

CREATE TABLE generation_events (
	generation_id uuid NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
	seq           integer NOT NULL,         -- the SSE id, from 1, without gaps
	type          text NOT NULL,
	data          text NOT NULL,            -- JSON
	created_at    timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (generation_id, seq)
);

CREATE TABLE messages (
	id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	project_id    uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	generation_id uuid REFERENCES generations (id) ON DELETE SET NULL,
	role          text NOT NULL CHECK (role IN ('user', 'assistant')),
	content       text NOT NULL,
	created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX messages_project ON messages (project_id, created_at);

CREATE TABLE versions (
	project_id    uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	n             integer NOT NULL CHECK (n >= 1),
	parent        integer,
	kind          text NOT NULL CHECK (kind IN ('template', 'generate', 'edit', 'restore', 'import')),
	restored_from integer,
	generation_id uuid REFERENCES generations (id) ON DELETE SET NULL,
	message       text NOT NULL DEFAULT '',
	author_id     uuid NOT NULL REFERENCES users (id),
	file_count    integer NOT NULL,
	size_bytes    bigint NOT NULL,          -- logical: every file counted, shared blob or not
	created_at    timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (project_id, n)
);

CREATE TABLE version_files (
	project_id uuid NOT NULL,
	n          integer NOT NULL,
	path       text NOT NULL,
	sha256     text NOT NULL REFERENCES blobs (sha256),
	mode       integer NOT NULL DEFAULT 420, -- 0644 or 0755
	size_bytes integer NOT NULL,
	changed_in integer NOT NULL,             -- version that last changed it: its ETag
	PRIMARY KEY (project_id, n, path),
	FOREIGN KEY (project_id, n) REFERENCES versions (project_id, n) ON DELETE CASCADE
);
CREATE INDEX version_files_blob ON version_files (sha256);

-- One row for each container that is or may come back; written by sandboxd.
-- The API writes last_activity_at, hydrated_version and desired_state = 'removed' only.
CREATE TABLE sandboxes (
	id               uuid PRIMARY KEY,
	user_id          uuid NOT NULL REFERENCES users (id),
	project_id       uuid REFERENCES projects (id), -- NULL: the user's own script sandbox
	profile          text NOT NULL CHECK (profile IN ('script', 'app')),
	desired_state    text NOT NULL DEFAULT 'running' CHECK (desired_state IN ('running', 'stopped', 'removed')),
	actual_state     text NOT NULL DEFAULT 'stopped' CHECK (actual_state IN ('starting', 'running', 'stopping', 'stopped', 'failed')),
	container_id     text,
	container_name   text NOT NULL UNIQUE,
	image_id         text,
	host             text NOT NULL DEFAULT '',
	port             integer,
	host_uid         integer NOT NULL UNIQUE,
	agent_socket     text NOT NULL,          -- path on the host
	hydrated_version integer,                -- version the workspace holds; NULL: unknown
	error            text,                   -- why the last start failed
	last_activity_at timestamptz NOT NULL DEFAULT now(),
	expires_at       timestamptz,
	created_at       timestamptz NOT NULL DEFAULT now(),
	updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX sandboxes_user ON sandboxes (user_id) WHERE project_id IS NULL;
CREATE UNIQUE INDEX sandboxes_project ON sandboxes (project_id) WHERE project_id IS NOT NULL;

CREATE TABLE runs (
	id            uuid PRIMARY KEY,
	user_id       uuid NOT NULL REFERENCES users (id),
	project_id    uuid REFERENCES projects (id) ON DELETE CASCADE,
	generation_id uuid REFERENCES generations (id) ON DELETE CASCADE,
	sandbox_id    uuid,
	exit_code     integer,
	signal        text,
	timed_out     boolean NOT NULL DEFAULT false,
	truncated     boolean NOT NULL DEFAULT false,
	oom_killed    boolean NOT NULL DEFAULT false,
	listening     boolean NOT NULL DEFAULT false,
	duration_ms   integer NOT NULL,
	output_bytes  bigint NOT NULL,
	created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX runs_user ON runs (user_id, created_at DESC);
CREATE INDEX runs_project ON runs (project_id, created_at DESC) WHERE project_id IS NOT NULL;

CREATE TABLE audit_log (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at      timestamptz NOT NULL DEFAULT now(),
	user_id uuid,
	action  text NOT NULL,
	target  text NOT NULL DEFAULT '',
	address text NOT NULL DEFAULT '',
	detail  jsonb NOT NULL DEFAULT '{}'
);

-- Each program signs in as a role of its own where the cluster is ours (deploy.sh makes them).
DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'slipway_api') THEN
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO slipway_api;
		REVOKE INSERT, DELETE, UPDATE ON sandboxes FROM slipway_api;
		GRANT UPDATE (last_activity_at, hydrated_version, desired_state) ON sandboxes TO slipway_api;
		REVOKE UPDATE, DELETE ON audit_log FROM slipway_api;
		REVOKE INSERT, UPDATE, DELETE ON installation FROM slipway_api;
	END IF;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'slipway_sandboxd') THEN
		GRANT SELECT, INSERT, UPDATE, DELETE ON sandboxes TO slipway_sandboxd;
		GRANT SELECT ON users, projects, installation TO slipway_sandboxd;
	END IF;
END
$$;
