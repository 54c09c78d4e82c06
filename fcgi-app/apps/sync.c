#include "apps/sync.h"

#include "apps/agent_app.h"
#include "cleanup.h"
#include "db.h"
#include "exec/broker.h"
#include "exec/sandbox.h"
#include "log.h"

#include <stdio.h>

#define AGENT_TIMEOUT_MS 1000

struct target {
	const char *project_id;
	char user_id[UUID_TEXT_BYTES];
	int64_t head;
	bool stopped_by_owner, generating;
	struct sandbox sandbox;
};

/* 1: its sandbox runs and no start is about to write the files itself; 0: not. */
static int find(struct app *app, const char *project_id, struct target *ret, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT p.user_id, p.head_version, p.app_stopped, s.id, s.agent_socket,"
		     " EXISTS (SELECT FROM versions v JOIN generations g ON g.id = v.generation_id"
		     "  WHERE v.project_id = p.id AND v.n = p.head_version AND g.state = 'running')"
		     " FROM projects p JOIN sandboxes s ON s.project_id = p.id"
		     " WHERE p.id = $1 AND p.deleted_at IS NULL AND p.head_version > 0"
		     " AND s.profile = 'app' AND s.actual_state = 'running'"
		     " AND s.desired_state = 'running' AND s.phase IN ('', 'app')",
		     DB_ARGS(db_text(project_id)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return 0;
	}
	*ret = (struct target){
		.project_id = project_id,
		.head = db_get_int(r, 0, 1),
		.stopped_by_owner = db_get_bool(r, 0, 2),
		.generating = db_get_bool(r, 0, 5),
	};
	snprintf(ret->user_id, sizeof(ret->user_id), "%s", db_get(r, 0, 0));
	snprintf(ret->sandbox.id, sizeof(ret->sandbox.id), "%s", db_get(r, 0, 3));
	snprintf(ret->sandbox.agent_socket, sizeof(ret->sandbox.agent_socket), "%s",
		 db_get(r, 0, 4));
	return sandbox_check_socket(app, &ret->sandbox, e) ? -1 : 1;
}

int sync_manifest_changed(struct app *app, const char *project_id, int64_t from, int64_t to,
			  bool *ret_changed, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT count(DISTINCT d) > 1 FROM (SELECT v.n, coalesce((SELECT"
		     "  string_agg(f.path || f.sha256, ',' ORDER BY f.path) FROM version_files f"
		     "  WHERE f.project_id = $1::uuid AND f.n = v.n AND f.path IN ('package.json',"
		     "  'package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock',"
		     "  '.npmrc', '.yarnrc.yml', 'pnpm-workspace.yaml')), '') AS d"
		     " FROM (VALUES ($2::integer), ($3::integer)) AS v(n)) AS both_versions",
		     DB_ARGS(db_text(project_id), db_int(from), db_int(to)), &r, e)) {
		return -1;
	}
	*ret_changed = db_get_bool(r, 0, 0);
	return 0;
}

static bool wants_restart(const struct agent_app *a, bool manifest)
{
	switch (a->state) {
	case AGENT_APP_INSTALLING:
	case AGENT_APP_STARTING:
	case AGENT_APP_RUNNING:
		return manifest;
	case AGENT_APP_CRASHED:
	case AGENT_APP_EXITED:
		return true;
	case AGENT_APP_STOPPED:
		break;
	}
	return false;
}

static int restart_if_wanted(struct app *app, const struct target *t, int64_t from, struct err *e)
{
	auto_agent_app state = {0};
	bool manifest = false;

	if (sync_manifest_changed(app, t->project_id, from, t->head, &manifest, e) ||
	    agent_app_get(app, t->sandbox.agent_socket, AGENT_TIMEOUT_MS, &state, e)) {
		return -1;
	}
	if (!wants_restart(&state, manifest)) {
		return 0;
	}
	log_info("app_restarted", "{s:s,s:I,s:b,s:s}", "project_id", t->project_id, "version",
		 (json_int_t)t->head, "manifest", manifest, "was",
		 agent_app_state_name(state.state));
	return broker_app_start(app, t->user_id, t->project_id, true, e);
}

int sync_project(struct app *app, const char *project_id, int64_t from, struct err *e)
{
	struct target t = {0};
	int found = find(app, project_id, &t, e);

	if (found <= 0) {
		return found;
	}
	if (sandbox_hydrate(app, &t.sandbox, project_id, t.head, e)) {
		return -1;
	}
	if (t.stopped_by_owner || t.generating || t.head <= from) {
		return 0;
	}
	return restart_if_wanted(app, &t, from, e);
}
