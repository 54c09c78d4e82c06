#include "store.h"

#include "cleanup.h"
#include "db.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS                                                                                    \
	"s.id, s.user_id, s.project_id, s.profile, s.container_id, s.container_name, "             \
	"s.agent_socket, s.actual_state, s.host_uid, s.hydrated_version, "                         \
	"(s.desired_state = 'removed' OR u.deleted_at IS NOT NULL OR p.deleted_at IS NOT NULL), "  \
	"s.phase, s.tree_key "
#define FROM                                                                                       \
	"FROM sandboxes s JOIN users u ON u.id = s.user_id LEFT JOIN projects p ON p.id = "        \
	"s.project_id "
/* A sandbox at rest has no way in. */
#define NO_ROUTE "port = NULL, relay_secret = NULL, phase = '', "
/* The API may have asked for removal meanwhile: that stays. */
#define DESIRED(state)                                                                             \
	"desired_state = CASE desired_state WHEN 'removed' THEN 'removed' ELSE '" state "' END, "  \
	"updated_at = now()"

static const char *const state_names[] = {
	[SANDBOX_STARTING] = "starting", [SANDBOX_RUNNING] = "running",
	[SANDBOX_STOPPING] = "stopping", [SANDBOX_STOPPED] = "stopped",
	[SANDBOX_FAILED] = "failed",
};

const char *sandbox_state_name(enum sandbox_state s)
{
	return state_names[s];
}

static enum sandbox_state state_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
		if (strcmp(name, state_names[i]) == 0) {
			return (enum sandbox_state)i;
		}
	}
	return SANDBOX_FAILED;
}

#define TAKE(field, col) (void)snprintf(row->field, sizeof(row->field), "%s", db_get(r, n, col))

static void take_row(const struct db_result *r, size_t n, struct sandbox_row *row)
{
	TAKE(id, 0);
	TAKE(user_id, 1);
	TAKE(project_id, 2);
	TAKE(profile, 3);
	TAKE(container_id, 4);
	TAKE(container_name, 5);
	TAKE(agent_socket, 6);
	row->state = state_of(db_get(r, n, 7));
	row->host_uid = (uid_t)db_get_int(r, n, 8);
	row->hydrated_version = db_is_null(r, n, 9) ? -1 : db_get_int(r, n, 9);
	row->unwanted = db_get_bool(r, n, 10);
	TAKE(phase, 11);
	TAKE(tree_key, 12);
}

static int take_one(const struct db_result *r, struct sandbox_row *ret, struct err *e)
{
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such sandbox");
	}
	take_row(r, 0, ret);
	return 0;
}

int store_check_owner(struct db *db, const char *user_id, const char *project_id, struct err *e)
{
	static const char of_user[] = "SELECT FROM users WHERE id = $1 AND deleted_at IS NULL";
	static const char of_project[] =
		"SELECT FROM projects p JOIN users u ON u.id = p.user_id WHERE p.id = $2 AND u.id "
		"= $1 AND p.deleted_at IS NULL AND u.deleted_at IS NULL";
	auto_db_result r = NULL;
	int rc;

	if (project_id) {
		rc = db_query(db, of_project, DB_ARGS(db_text(user_id), db_text(project_id)), &r,
			      e);
	} else {
		rc = db_query(db, of_user, DB_ARGS(db_text(user_id)), &r, e);
	}
	if (rc < 0) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND,
			       project_id ? "there is no such project of that user"
					  : "there is no such user");
	}
	return 0;
}

int store_find_owned(struct db *db, const char *user_id, const char *project_id,
		     struct sandbox_row *ret, struct err *e)
{
	static const char of_user[] =
		"SELECT " COLUMNS FROM "WHERE s.user_id = $1 AND s.project_id IS NULL";
	static const char of_project[] =
		"SELECT " COLUMNS FROM "WHERE s.user_id = $1 AND s.project_id = $2";
	auto_db_result r = NULL;
	int rc;

	if (project_id) {
		rc = db_query(db, of_project, DB_ARGS(db_text(user_id), db_text(project_id)), &r,
			      e);
	} else {
		rc = db_query(db, of_user, DB_ARGS(db_text(user_id)), &r, e);
	}
	return rc < 0 ? -1 : take_one(r, ret, e);
}

int store_find(struct db *db, const char *id, struct sandbox_row *ret, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db, "SELECT " COLUMNS FROM "WHERE s.id = $1", DB_ARGS(db_text(id)), &r, e) <
	    0) {
		return -1;
	}
	return take_one(r, ret, e);
}

int store_list(struct db *db, struct sandbox_row **ret, size_t *ret_n, struct err *e)
{
	struct sandbox_row *rows;
	auto_db_result r = NULL;
	size_t n;

	if (db_query(db, "SELECT " COLUMNS FROM "ORDER BY s.created_at, s.id", DB_NO_ARGS, &r, e) <
	    0) {
		return -1;
	}
	n = db_rows(r);
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		take_row(r, i, &rows[i]);
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}

/* Counts upwards, so that a uid that was given back rests; then the lowest free one. */
int store_insert(struct db *db, struct sandbox_row *row, int64_t uid_base, int64_t uid_count,
		 struct err *e)
{
	static const char sql[] =
		"INSERT INTO sandboxes (id, user_id, project_id, profile, desired_state, "
		"container_name, agent_socket, host, host_uid) "
		"SELECT $1, $2, $3, $4, 'stopped', $5, $6, $7, uid FROM (SELECT coalesce("
		"(SELECT max(host_uid) + 1 FROM sandboxes WHERE host_uid BETWEEN $8::integer AND "
		"$9::integer HAVING max(host_uid) < $9::integer), "
		"(SELECT g FROM generate_series($8::integer, $9::integer) g WHERE NOT EXISTS "
		"(SELECT FROM sandboxes WHERE host_uid = g) LIMIT 1)) AS uid) free "
		"WHERE uid IS NOT NULL RETURNING host_uid";
	const char *project = row->project_id[0] != '\0' ? row->project_id : NULL;
	auto_db_result r = NULL;
	char host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	if (db_query(db, sql,
		     DB_ARGS(db_text(row->id), db_text(row->user_id), db_text(project),
			     db_text(row->profile), db_text(row->container_name),
			     db_text(row->agent_socket), db_text(host), db_int(uid_base),
			     db_int(uid_base + uid_count - 1)),
		     &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NO_SPACE,
			       "every uid for sandboxes is taken: raise SLIPWAY_UID_COUNT");
	}
	row->host_uid = (uid_t)db_get_int(r, 0, 0);
	row->state = SANDBOX_STOPPED;
	row->hydrated_version = -1;
	return 0;
}

int store_count_active(struct db *db, const char *user_id, int64_t *ret_all, int64_t *ret_own,
		       struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db,
		     "SELECT count(*), count(*) FILTER (WHERE user_id = $1) FROM sandboxes WHERE "
		     "actual_state IN ('starting', 'running', 'stopping')",
		     DB_ARGS(db_text(user_id)), &r, e) < 0) {
		return -1;
	}
	*ret_all = db_get_int(r, 0, 0);
	*ret_own = db_get_int(r, 0, 1);
	return 0;
}

int store_forget_contents(struct db *db, const char *id, struct err *e)
{
	return db_query(db,
			"UPDATE sandboxes SET hydrated_version = NULL, updated_at = now() WHERE "
			"id = $1",
			DB_ARGS(db_text(id)), NULL, e);
}

int store_set_starting(struct db *db, const char *id, struct err *e)
{
	return db_query(db,
			"UPDATE sandboxes SET actual_state = 'starting', container_id = NULL, "
			"port = NULL, relay_secret = NULL, error = NULL, last_activity_at = "
			"now(), " DESIRED("running") " WHERE id "
						     "= $1",
			DB_ARGS(db_text(id)), NULL, e);
}

int store_set_running(struct db *db, const char *id, const char *container_id, const char *image_id,
		      int port, const char *relay_secret, struct err *e)
{
	return db_query(db,
			"UPDATE sandboxes SET actual_state = 'running', container_id = $2, "
			"image_id = $3, port = $4, relay_secret = $5, error = NULL, "
			"last_activity_at = now(), updated_at = now() "
			"WHERE id = $1",
			DB_ARGS(db_text(id), db_text(container_id), db_text(image_id),
				port > 0 ? db_int(port) : db_null(),
				db_text(port > 0 ? relay_secret : NULL)),
			NULL, e);
}

int store_set_stopping(struct db *db, const char *id, struct err *e)
{
	return db_query(db,
			"UPDATE sandboxes SET actual_state = 'stopping', " NO_ROUTE DESIRED(
				"stopped") " WHERE id = $1",
			DB_ARGS(db_text(id)), NULL, e);
}

int store_set_stopped(struct db *db, const char *id, struct err *e)
{
	return db_query(db,
			"UPDATE sandboxes SET actual_state = 'stopped', container_id = NULL, "
			"error = NULL, " NO_ROUTE DESIRED("stopped") " WHERE id = $1",
			DB_ARGS(db_text(id)), NULL, e);
}

int store_set_failed(struct db *db, const char *id, const char *why, struct err *e)
{
	return db_query(db,
			"UPDATE sandboxes SET actual_state = 'failed', container_id = NULL, error "
			"= $2, " NO_ROUTE DESIRED("stopped") " WHERE id = $1",
			DB_ARGS(db_text(id), db_text(why)), NULL, e);
}

int store_begin_idle_stop(struct db *db, const char *id, int64_t idle_s, bool *ret_done,
			  struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db,
		     "UPDATE sandboxes SET actual_state = 'stopping', updated_at = now() WHERE id "
		     "= $1 AND actual_state = 'running' AND last_activity_at < now() - "
		     "make_interval(secs => $2::bigint)",
		     DB_ARGS(db_text(id), db_int(idle_s)), &r, e) < 0) {
		return -1;
	}
	*ret_done = db_affected(r) == 1;
	return 0;
}

int store_end_idle_stop(struct db *db, const char *id, struct err *e)
{
	return db_query(db,
			"UPDATE sandboxes SET actual_state = 'running', updated_at = now() WHERE "
			"id = $1 AND actual_state = 'stopping'",
			DB_ARGS(db_text(id)), NULL, e);
}

int store_list_idle(struct db *db, int64_t idle_s, const char *user_id,
		    char (**ret)[UUID_TEXT_BYTES], size_t *ret_n, struct err *e)
{
	char(*ids)[UUID_TEXT_BYTES];
	auto_db_result r = NULL;
	size_t n;

	if (db_query(db,
		     "SELECT id FROM sandboxes WHERE actual_state = 'running' AND "
		     "last_activity_at < now() - make_interval(secs => $1::bigint) AND "
		     "($2::uuid IS NULL OR user_id = $2) ORDER BY last_activity_at",
		     DB_ARGS(db_int(idle_s), db_text(user_id)), &r, e) < 0) {
		return -1;
	}
	n = db_rows(r);
	ids = calloc(n + 1, sizeof(*ids));
	if (!ids) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "%s", db_get(r, i, 0));
	}
	*ret = ids;
	*ret_n = n;
	return 0;
}

int store_touch(struct db *db, const char *id, struct err *e)
{
	return db_query(db, "UPDATE sandboxes SET last_activity_at = now() WHERE id = $1",
			DB_ARGS(db_text(id)), NULL, e);
}

int store_begin_start(struct db *db, const char *id, struct err *e)
{
	return db_query(
		db,
		"UPDATE sandboxes SET phase = 'waiting', actual_state = 'stopped', error = "
		"NULL, last_activity_at = now(), updated_at = now() WHERE id = $1 AND phase "
		"= '' AND actual_state IN ('stopped', 'failed')",
		DB_ARGS(db_text(id)), NULL, e);
}

int store_set_phase(struct db *db, const char *id, const char *phase, struct err *e)
{
	return db_query(db,
			"UPDATE sandboxes SET phase = $2, last_activity_at = now(), updated_at = "
			"now() WHERE id = $1",
			DB_ARGS(db_text(id), db_text(phase)), NULL, e);
}

int store_find_project(struct db *db, const char *project_id, struct project_row *ret,
		       struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db,
		     "SELECT p.user_id, p.app_stopped, p.head_version FROM projects p JOIN users u "
		     "ON u.id = p.user_id WHERE p.id = $1 AND p.deleted_at IS NULL AND "
		     "u.deleted_at IS NULL",
		     DB_ARGS(db_text(project_id)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such project");
	}
	(void)snprintf(ret->user_id, sizeof(ret->user_id), "%s", db_get(r, 0, 0));
	ret->app_stopped = db_get_bool(r, 0, 1);
	ret->head_version = db_get_int(r, 0, 2);
	return 0;
}

int store_delete(struct db *db, const char *id, struct err *e)
{
	return db_query(db, "DELETE FROM sandboxes WHERE id = $1", DB_ARGS(db_text(id)), NULL, e);
}

int store_ping(struct db *db, struct err *e)
{
	return db_query(db, "SELECT FROM sandboxes LIMIT 0", DB_NO_ARGS, NULL, e);
}

int store_installation(struct db *db, char ret_id[UUID_TEXT_BYTES], struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db, "SELECT id FROM installation", DB_NO_ARGS, &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) {
		return err_set(e, ERR_INTERNAL, "table installation has %zu rows", db_rows(r));
	}
	(void)snprintf(ret_id, UUID_TEXT_BYTES, "%s", db_get(r, 0, 0));
	return 0;
}
