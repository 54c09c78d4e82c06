#include "exec/sandbox.h"

#include "cleanup.h"
#include "config.h"
#include "db.h"
#include "exec/broker.h"
#include "json.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

/* set_config makes the touch asynchronous: losing it costs nothing, waiting for it would cost each
 * run a disk flush. */
#define TOUCH(where)                                                                               \
	"UPDATE sandboxes SET last_activity_at = now()"                                            \
	" FROM (SELECT set_config('synchronous_commit', 'off', true) AS mode) AS m"                \
	" WHERE " where " AND actual_state = 'running' AND desired_state = 'running'"              \
	" RETURNING id, agent_socket, hydrated_version, m.mode"

/* The socket is where sandboxd puts sockets, or the row is not used: a worker connects nowhere
 * else. */
static int check_socket(struct app *app, const char *id, const char *path, struct err *e)
{
	char expected[sizeof(((struct sandbox *)0)->agent_socket)];
	int n = snprintf(expected, sizeof(expected), "%s/sandboxes/%s/agent.sock",
			 config_str(app->config, CFG_RUN_DIR), id);

	if (!uuid_valid(id) || n < 0 || (size_t)n >= sizeof(expected) || strcmp(path, expected)) {
		return err_set(e, ERR_INTERNAL, "sandbox %s has the socket %s", id, path);
	}
	return 0;
}

int sandbox_check_socket(struct app *app, const struct sandbox *sb, struct err *e)
{
	return check_socket(app, sb->id, sb->agent_socket, e);
}

static int fill(struct app *app, const char *id, const char *socket, int64_t hydrated,
		struct sandbox *ret, struct err *e)
{
	if (check_socket(app, id, socket, e)) {
		return -1;
	}
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	snprintf(ret->agent_socket, sizeof(ret->agent_socket), "%s", socket);
	ret->hydrated_version = hydrated;
	return 0;
}

/* 1: there is a running one, 0: not. */
static int from_row(struct app *app, const char *user_id, const char *project_id,
		    struct sandbox *ret, struct err *e)
{
	auto_db_result r = NULL;
	int rc;

	if (project_id) {
		rc = db_query(app->db, TOUCH("user_id = $1 AND project_id = $2"),
			      DB_ARGS(db_text(user_id), db_text(project_id)), &r, e);
	} else {
		rc = db_query(app->db, TOUCH("user_id = $1 AND project_id IS NULL"),
			      DB_ARGS(db_text(user_id)), &r, e);
	}
	if (rc) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return 0;
	}
	if (fill(app, db_get(r, 0, 0), db_get(r, 0, 1),
		 db_is_null(r, 0, 2) ? -1 : db_get_int(r, 0, 2), ret, e)) {
		return -1;
	}
	return 1;
}

static int from_broker(struct app *app, const char *user_id, const char *project_id,
		       struct sandbox *ret, struct err *e)
{
	auto_json *object = NULL;
	const char *id, *socket;
	json_t *hydrated;

	if (broker_ensure(app, user_id, project_id, &object, e)) {
		return -1;
	}
	id = json_string_value(json_object_get(object, "id"));
	socket = json_string_value(json_object_get(object, "agent_socket"));
	hydrated = json_object_get(object, "hydrated_version");
	if (!id || !socket) {
		return err_set(e, ERR_UPSTREAM,
			       "slipway-sandboxd's answer lacks id or agent_socket");
	}
	return fill(app, id, socket,
		    json_is_integer(hydrated) ? (int64_t)json_integer_value(hydrated) : -1, ret, e);
}

int sandbox_get(struct app *app, const char *user_id, const char *project_id, bool force,
		struct sandbox *ret, struct err *e)
{
	if (!force) {
		int found = from_row(app, user_id, project_id, ret, e);

		if (found) {
			return found < 0 ? -1 : 0;
		}
	}
	return from_broker(app, user_id, project_id, ret, e);
}

int sandbox_remove_all(struct app *app, const char *user_id, const char *project_id, struct err *e)
{
	auto_db_result r = NULL;

	if (!user_id && !project_id) {
		return err_set(e, ERR_INTERNAL, "whose sandboxes to remove was not said");
	}
	if (db_query(app->db,
		     "UPDATE sandboxes SET desired_state = 'removed'"
		     " WHERE ($1::uuid IS NULL OR user_id = $1)"
		     " AND ($2::uuid IS NULL OR project_id = $2) RETURNING id",
		     DB_ARGS(db_text(user_id), db_text(project_id)), &r, e)) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		struct err asked;

		if (broker_delete(app, db_get(r, i, 0), &asked)) {
			log_err(LOG_WARN, "sandbox_delete_postponed", &asked);
			break; /* it is marked: sandboxd does it when it reconciles */
		}
	}
	return 0;
}
