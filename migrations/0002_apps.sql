-- Apps: dev servers in sandboxes, their ports, dependency trees, previews and who may see them.

-- Signs what a browser carries to a preview (lib/grant.h). 244 random bits.
ALTER TABLE installation ADD COLUMN preview_key bytea NOT NULL
	DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
	CHECK (length(preview_key) = 32);

-- Stopped by its owner: requests do not wake it.
ALTER TABLE projects ADD COLUMN app_stopped boolean NOT NULL DEFAULT false;

ALTER TABLE sandboxes
	ADD COLUMN relay_secret text CHECK (relay_secret ~ '^[0-9a-f]{64}$'), -- new at every start
	ADD COLUMN phase text NOT NULL DEFAULT '', -- what a start is doing: docs/ARCHITECTURE.md, "Apps"
	ADD COLUMN tree_key text;                  -- the dependency tree it has mounted
CREATE UNIQUE INDEX sandboxes_port ON sandboxes (port) WHERE port IS NOT NULL;
-- A project's sandbox is of the profile app from now on.
UPDATE sandboxes SET desired_state = 'removed' WHERE project_id IS NOT NULL AND profile = 'script';

-- Host ports of the range. A released one rests before it is given out again: a route that is a
-- moment old must not lead to another tenant.
CREATE TABLE ports (
	port        integer PRIMARY KEY CHECK (port BETWEEN 1024 AND 65535),
	sandbox_id  uuid,                          -- NULL: free since released_at
	released_at timestamptz NOT NULL DEFAULT '-infinity'
);

-- Sealed node_modules by what they were made from (sandboxd/tree.h).
CREATE TABLE trees (
	key          text PRIMARY KEY CHECK (key ~ '^[0-9a-f]{64}$'),
	state        text NOT NULL CHECK (state IN ('building', 'ready', 'failed')),
	packages     integer NOT NULL,
	size_bytes   bigint NOT NULL DEFAULT 0,
	error        text,
	built_at     timestamptz,
	last_used_at timestamptz NOT NULL DEFAULT now(),
	created_at   timestamptz NOT NULL DEFAULT now()
);

-- Links to a preview. The token in one is made of the id and preview_key, and stored nowhere.
CREATE TABLE shares (
	id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	project_id     uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	name           text NOT NULL DEFAULT '' CHECK (length(name) <= 100),
	password_hash  text,                       -- argon2id
	expires_at     timestamptz,
	revoked_at     timestamptz,
	opens          bigint NOT NULL DEFAULT 0,
	last_opened_at timestamptz,
	created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX shares_project ON shares (project_id, created_at DESC, id);

-- One-time ways in for the owner's own browser.
CREATE TABLE preview_tickets (
	hash       text PRIMARY KEY,               -- lib/token.h
	project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	path       text NOT NULL CHECK (length(path) <= 2048),
	expires_at timestamptz NOT NULL,
	used_at    timestamptz
);
CREATE INDEX preview_tickets_expiry ON preview_tickets (expires_at);

-- What the router knows (preview-router/). The views run with their owner's rights: the router's role
-- reads these columns and nothing else.
CREATE VIEW routes AS
	SELECT p.id AS project_id, p.user_id, p.slug, p.visibility, p.app_stopped,
	       p.head_version > 0 AS has_files, s.id AS sandbox_id,
	       coalesce(s.actual_state, 'stopped') AS state, coalesce(s.phase, '') AS phase,
	       coalesce(s.error, '') AS error, s.port, s.relay_secret
	FROM projects p LEFT JOIN sandboxes s ON s.project_id = p.id AND s.profile = 'app'
	WHERE p.deleted_at IS NULL;
CREATE VIEW route_shares AS
	SELECT id, project_id, expires_at FROM shares WHERE revoked_at IS NULL;

-- The id of a project whose route may have changed, to whoever listens on slipway_routes.
CREATE FUNCTION notify_route() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	project uuid;
BEGIN
	IF TG_TABLE_NAME = 'projects' THEN
		project := coalesce(NEW.id, OLD.id);
	ELSE
		project := coalesce(NEW.project_id, OLD.project_id);
	END IF;
	IF project IS NOT NULL THEN
		PERFORM pg_notify('slipway_routes', project::text);
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER projects_route_made AFTER INSERT OR DELETE ON projects
	FOR EACH ROW EXECUTE FUNCTION notify_route();
CREATE TRIGGER projects_route AFTER UPDATE ON projects FOR EACH ROW
	WHEN (OLD.slug <> NEW.slug OR OLD.visibility <> NEW.visibility OR OLD.user_id <> NEW.user_id
	      OR OLD.app_stopped <> NEW.app_stopped OR (OLD.head_version = 0) <> (NEW.head_version = 0)
	      OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
	EXECUTE FUNCTION notify_route();
CREATE TRIGGER sandboxes_route_made AFTER INSERT OR DELETE ON sandboxes
	FOR EACH ROW EXECUTE FUNCTION notify_route();
CREATE TRIGGER sandboxes_route AFTER UPDATE ON sandboxes FOR EACH ROW
	WHEN (OLD.actual_state <> NEW.actual_state OR OLD.phase <> NEW.phase
	      OR OLD.port IS DISTINCT FROM NEW.port OR OLD.error IS DISTINCT FROM NEW.error
	      OR OLD.relay_secret IS DISTINCT FROM NEW.relay_secret)
	EXECUTE FUNCTION notify_route();
CREATE TRIGGER shares_route_made AFTER INSERT OR DELETE ON shares
	FOR EACH ROW EXECUTE FUNCTION notify_route();
CREATE TRIGGER shares_route AFTER UPDATE ON shares FOR EACH ROW
	WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at OR OLD.expires_at IS DISTINCT FROM NEW.expires_at)
	EXECUTE FUNCTION notify_route();

DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'slipway_api') THEN
		GRANT SELECT, INSERT, UPDATE, DELETE ON shares, preview_tickets TO slipway_api;
		GRANT SELECT ON trees, routes TO slipway_api;
	END IF;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'slipway_sandboxd') THEN
		GRANT SELECT, INSERT, UPDATE, DELETE ON ports, trees TO slipway_sandboxd;
		GRANT SELECT ON versions, version_files, blobs TO slipway_sandboxd;
	END IF;
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'slipway_router') THEN
		GRANT SELECT ON routes, route_shares, installation TO slipway_router;
		GRANT SELECT (id, project_id), UPDATE (last_activity_at) ON sandboxes TO slipway_router;
	END IF;
END
$$;
