#include "cleanup.h"
#include "db.h"
#include "exec/agent_client.h"
#include "exec/sandbox.h"
#include "exec/tar_build.h"
#include "log.h"
#include "projects/versions.h"

#include <string.h>

#define TAR_BATCH_BYTES (16 * 1024 * 1024)
#define TAR_MAX_BYTES	(TAR_BATCH_BYTES + FILE_MAX_BYTES + 64 * 1024)

/* What is on its way into a workspace. */
struct transfer {
	struct app *app;
	const struct sandbox *sb;
	struct tar_build tar;
	size_t n_files; /* in the tar */
};

static int transfer_send(struct transfer *t, struct err *e)
{
	if (t->n_files == 0) {
		return 0;
	}
	if (tar_build_finish(&t->tar, e) ||
	    agent_put_tar(t->app, t->sb->agent_socket, t->tar.bytes.data, t->tar.bytes.len, e)) {
		return -1;
	}
	t->n_files = 0;
	tar_build_fini(&t->tar);
	return tar_build_init(&t->tar, TAR_MAX_BYTES, e);
}

static int transfer_add(struct transfer *t, const char *path, const void *bytes, size_t len,
			int mode, struct err *e)
{
	if (tar_build_add(&t->tar, path, bytes, len, mode, e)) {
		return -1;
	}
	t->n_files++;
	return t->tar.bytes.len >= TAR_BATCH_BYTES ? transfer_send(t, e) : 0;
}

static int add_version_file(void *ctx, const struct version_file *f, struct err *e)
{
	return transfer_add(ctx, f->path, f->bytes, (size_t)f->size, f->mode, e);
}

/* What only the old version has, and directories in whose place the new one has a file. One that is
 * gone already is what was wanted. */
static int remove_old(struct transfer *t, const char *project_id, int64_t from, int64_t to,
		      struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(
		    t->app->db,
		    "WITH old AS (SELECT path FROM version_files WHERE project_id = $1 AND n = $2),"
		    " new AS (SELECT path FROM version_files WHERE project_id = $1 AND n = $3),"
		    " gone AS (SELECT path FROM old EXCEPT SELECT path FROM new),"
		    " come AS (SELECT path FROM new EXCEPT SELECT path FROM old)"
		    " SELECT path FROM gone UNION ALL SELECT c.path FROM come c WHERE EXISTS"
		    "  (SELECT FROM gone g WHERE starts_with(g.path, c.path || '/'))",
		    DB_ARGS(db_text(project_id), db_int(from), db_int(to)), &r, e)) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		if (agent_delete(t->app, t->sb->agent_socket, db_get(r, i, 0), e) &&
		    e->kind != ERR_NOT_FOUND) {
			return -1;
		}
	}
	return 0;
}

static int add_changed(struct transfer *t, const char *project_id, int64_t from, int64_t to,
		       struct err *e)
{
	auto_db_result list = NULL;

	if (db_query(t->app->db,
		     "SELECT a.path, a.mode, a.sha256 FROM version_files a WHERE a.project_id = $1"
		     " AND a.n = $3 AND NOT EXISTS (SELECT FROM version_files b"
		     "  WHERE b.project_id = $1 AND b.n = $2 AND b.path = a.path"
		     "  AND b.sha256 = a.sha256 AND b.mode = a.mode)",
		     DB_ARGS(db_text(project_id), db_int(from), db_int(to)), &list, e)) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(list); i++) {
		auto_db_result blob = NULL;
		const void *bytes;
		size_t len;

		if (db_query(t->app->db, "SELECT bytes FROM blobs WHERE sha256 = $1",
			     DB_ARGS(db_text(db_get(list, i, 2))), &blob, e)) {
			return -1;
		}
		if (db_rows(blob) == 0) {
			return err_set(e, ERR_INTERNAL, "a file of version %lld has no contents",
				       (long long)to);
		}
		if (db_get_bytes(blob, 0, 0, &bytes, &len, e) ||
		    transfer_add(t, db_get(list, i, 0), bytes, len, (int)db_get_int(list, i, 1),
				 e)) {
			return -1;
		}
	}
	return 0;
}

static int set_hydrated(struct app *app, struct sandbox *sb, int64_t n, struct err *e)
{
	if (db_query(app->db,
		     "UPDATE sandboxes SET hydrated_version = $2, last_activity_at = now()"
		     " WHERE id = $1",
		     DB_ARGS(db_text(sb->id), n < 0 ? db_null() : db_int(n)), NULL, e)) {
		return -1;
	}
	sb->hydrated_version = n;
	return 0;
}

static int transfer_version(struct transfer *t, const char *project_id, int64_t from, int64_t to,
			    struct err *e)
{
	if (from < 0) {
		if (version_each(t->app, project_id, to, true, add_version_file, t, e)) {
			return -1;
		}
	} else if (remove_old(t, project_id, from, to, e) ||
		   add_changed(t, project_id, from, to, e)) {
		return -1;
	}
	return transfer_send(t, e);
}

/* Marked unknown while it lasts, so that whoever comes after a crash in the middle starts anew. */
static int hydrate_locked(struct app *app, struct sandbox *sb, const char *project_id, int64_t n,
			  struct err *e)
{
	struct transfer t = {.app = app, .sb = sb};
	auto_db_result r = NULL;
	int64_t from;
	int rc;

	if (db_query(app->db, "SELECT hydrated_version FROM sandboxes WHERE id = $1",
		     DB_ARGS(db_text(sb->id)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_UNAVAILABLE, "the sandbox was removed meanwhile; try again");
	}
	from = db_is_null(r, 0, 0) ? -1 : db_get_int(r, 0, 0);
	if (from == n) {
		sb->hydrated_version = n;
		return 0;
	}
	if (set_hydrated(app, sb, -1, e)) {
		return -1;
	}
	rc = tar_build_init(&t.tar, TAR_MAX_BYTES, e);
	if (!rc) {
		rc = transfer_version(&t, project_id, from, n, e);
	}
	tar_build_fini(&t.tar);
	return rc ? -1 : set_hydrated(app, sb, n, e);
}

/* Two workers must not write into one workspace at once. The lock is the connection's: it goes with
 * a worker that dies. */
int sandbox_hydrate(struct app *app, struct sandbox *sb, const char *project_id, int64_t n,
		    struct err *e)
{
	struct err unlock;
	int rc;

	if (db_query(app->db, "SELECT pg_advisory_lock(hashtextextended($1, 0))",
		     DB_ARGS(db_text(sb->id)), NULL, e)) {
		if (e->kind == ERR_TIMEOUT) {
			return err_set(
				e, ERR_TIMEOUT,
				"the project's sandbox is being prepared by another request; "
				"try again");
		}
		return -1;
	}
	rc = hydrate_locked(app, sb, project_id, n, e);
	if (db_query(app->db, "SELECT pg_advisory_unlock(hashtextextended($1, 0))",
		     DB_ARGS(db_text(sb->id)), NULL, &unlock)) {
		log_err(LOG_WARN, "hydrate_unlock_failed", &unlock);
	}
	return rc;
}
