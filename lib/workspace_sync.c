#include "workspace_sync.h"

#include "agent_call.h"
#include "db.h"
#include "log.h"
#include "tar_build.h"

#include <string.h>

#define FILE_MAX_BYTES	(10 * 1024 * 1024) /* as the table blobs has it */
#define TAR_BATCH_BYTES (16 * 1024 * 1024)
#define TAR_MAX_BYTES	(TAR_BATCH_BYTES + FILE_MAX_BYTES + 64 * 1024)

/* No version: every file of another differs from it. */
#define NOTHING 0

/* What is on its way into a workspace. */
struct transfer {
	const struct workspace *ws;
	struct tar_build tar;
	size_t n_files; /* in the tar */
};

static int transfer_send(struct transfer *t, struct err *e)
{
	if (t->n_files == 0) {
		return 0;
	}
	if (tar_build_finish(&t->tar, e) || agent_put_tar(t->ws->http, t->ws->agent_socket,
							  t->tar.bytes.data, t->tar.bytes.len, e)) {
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

/* What only the old version has, and directories in whose place the new one has a file. One that is
 * gone already is what was wanted. */
static int remove_old(const struct workspace *ws, int64_t from, int64_t to, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(
		    ws->db,
		    "WITH old AS (SELECT path FROM version_files WHERE project_id = $1 AND n = $2),"
		    " new AS (SELECT path FROM version_files WHERE project_id = $1 AND n = $3),"
		    " gone AS (SELECT path FROM old EXCEPT SELECT path FROM new),"
		    " come AS (SELECT path FROM new EXCEPT SELECT path FROM old)"
		    " SELECT path FROM gone UNION ALL SELECT c.path FROM come c WHERE EXISTS"
		    "  (SELECT FROM gone g WHERE starts_with(g.path, c.path || '/'))",
		    DB_ARGS(db_text(ws->project_id), db_int(from), db_int(to)), &r, e)) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		if (agent_delete(ws->http, ws->agent_socket, db_get(r, i, 0), e) &&
		    e->kind != ERR_NOT_FOUND) {
			return -1;
		}
	}
	return 0;
}

static int add_file(struct transfer *t, const char *path, int mode, const char *sha256,
		    struct err *e)
{
	auto_db_result blob = NULL;
	const void *bytes;
	size_t len;

	if (db_query(t->ws->db, "SELECT bytes FROM blobs WHERE sha256 = $1",
		     DB_ARGS(db_text(sha256)), &blob, e)) {
		return -1;
	}
	if (db_rows(blob) == 0) {
		return err_set(e, ERR_INTERNAL, "the file %.200s of a version has no contents",
			       path);
	}
	if (db_get_bytes(blob, 0, 0, &bytes, &len, e)) {
		return -1;
	}
	return transfer_add(t, path, bytes, len, mode, e);
}

static int add_changed(struct transfer *t, int64_t from, int64_t to, struct err *e)
{
	auto_db_result list = NULL;

	if (db_query(t->ws->db,
		     "SELECT a.path, a.mode, a.sha256 FROM version_files a WHERE a.project_id = $1"
		     " AND a.n = $3 AND NOT EXISTS (SELECT FROM version_files b"
		     "  WHERE b.project_id = $1 AND b.n = $2 AND b.path = a.path"
		     "  AND b.sha256 = a.sha256 AND b.mode = a.mode) ORDER BY a.path COLLATE \"C\"",
		     DB_ARGS(db_text(t->ws->project_id), db_int(from), db_int(to)), &list, e)) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(list); i++) {
		if (add_file(t, db_get(list, i, 0), (int)db_get_int(list, i, 1), db_get(list, i, 2),
			     e)) {
			return -1;
		}
	}
	return 0;
}

static int transfer_version(const struct workspace *ws, int64_t from, int64_t to, struct err *e)
{
	struct transfer t = {.ws = ws};
	int rc;

	if (from != NOTHING && remove_old(ws, from, to, e)) {
		return -1;
	}
	rc = tar_build_init(&t.tar, TAR_MAX_BYTES, e);
	if (!rc && (add_changed(&t, from, to, e) || transfer_send(&t, e))) {
		rc = -1;
	}
	tar_build_fini(&t.tar);
	return rc;
}

static int set_hydrated(const struct workspace *ws, int64_t n, struct err *e)
{
	return db_query(ws->db, "UPDATE sandboxes SET hydrated_version = $2 WHERE id = $1",
			DB_ARGS(db_text(ws->sandbox_id), n == NOTHING ? db_null() : db_int(n)),
			NULL, e);
}

/* Marked unknown while it lasts, so that whoever comes after a crash in the middle starts anew. */
static int sync_locked(const struct workspace *ws, int64_t n, int64_t *ret_version, struct err *e)
{
	auto_db_result r = NULL;
	int64_t from;

	if (db_query(ws->db, "SELECT hydrated_version FROM sandboxes WHERE id = $1",
		     DB_ARGS(db_text(ws->sandbox_id)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_UNAVAILABLE, "the sandbox was removed meanwhile; try again");
	}
	from = db_get_int(r, 0, 0);
	if (from >= n) {
		*ret_version = from;
		return 0;
	}
	if (set_hydrated(ws, NOTHING, e) || transfer_version(ws, from, n, e) ||
	    set_hydrated(ws, n, e)) {
		return -1;
	}
	*ret_version = n;
	return 0;
}

/* The lock is the connection's: it goes with a process that dies. */
int workspace_sync(const struct workspace *ws, int64_t n, int64_t *ret_version, struct err *e)
{
	struct err unlock;
	int rc;

	if (db_query(ws->db, "SELECT pg_advisory_lock(hashtextextended($1, 0))",
		     DB_ARGS(db_text(ws->sandbox_id)), NULL, e)) {
		if (e->kind == ERR_TIMEOUT) {
			return err_set(e, ERR_TIMEOUT,
				       "the project's sandbox is being prepared by another "
				       "request; try again");
		}
		return -1;
	}
	rc = sync_locked(ws, n, ret_version, e);
	if (db_query(ws->db, "SELECT pg_advisory_unlock(hashtextextended($1, 0))",
		     DB_ARGS(db_text(ws->sandbox_id)), NULL, &unlock)) {
		log_err(LOG_WARN, "workspace_unlock_failed", &unlock);
	}
	return rc;
}
