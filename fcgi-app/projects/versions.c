#include "projects/versions.h"

#include "apps/sync.h"
#include "cleanup.h"
#include "db.h"
#include "json.h"
#include "path.h"
#include "projects/change_set.h"
#include "projects/space.h"

#include <string.h>

/* Locks the project row: versions of one project are made one after the other. */
static int lock_head(struct app *app, const char *project_id, int64_t expected_head,
		     int64_t *ret_head, struct err *e)
{
	auto_db_result r = NULL;
	int64_t head = 0;

	/* What a client was told is saved must survive a power cut, whatever the session's default.
	 */
	if (db_query(app->db, "SET LOCAL synchronous_commit = on", DB_NO_ARGS, NULL, e) ||
	    db_query(app->db,
		     "SELECT head_version FROM projects WHERE id = $1 AND deleted_at IS NULL"
		     " FOR UPDATE",
		     DB_ARGS(db_text(project_id)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such project");
	}
	head = db_get_int(r, 0, 0);
	if (expected_head >= 0 && head != expected_head) {
		return err_set(e, ERR_CONFLICT,
			       "the project is at version %lld now, not %lld; read it again",
			       (long long)head, (long long)expected_head);
	}
	*ret_head = head;
	return 0;
}

static bool brings_bytes(const struct change_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->by_hash[i].change->bytes) {
			return true;
		}
	}
	return false;
}

/* In the order of the hashes, so that two transactions never wait for each other. What another
 * version of the project has is in the table already, and stays. */
static int insert_blobs(struct app *app, const struct change_set *set, struct err *e)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct change *c = &set->by_hash[i];

		if (!c->change->bytes ||
		    (i > 0 && !strcmp(c->sha256, set->by_hash[i - 1].sha256))) {
			continue;
		}
		if (db_query(
			    app->db,
			    "INSERT INTO blobs (sha256, bytes) VALUES ($1, $2)"
			    " ON CONFLICT (sha256) DO UPDATE SET created_at = now()",
			    DB_ARGS(db_text(c->sha256), db_bytes(c->change->bytes, c->change->len)),
			    NULL, e)) {
			return -1;
		}
	}
	return 0;
}

/*
 * The tree is the base's files without the changed paths, and the changed files. A path that is
 * both a file and a directory shows when the tree is sorted with the slash below every other
 * character: then whatever lies beneath a path comes right after it.
 */
static const char insert_version[] =
	"WITH changed AS (SELECT c.* FROM json_to_recordset($4::json)"
	"  AS c(path text, sha256 text, mode integer, size integer)),"
	" tree AS (SELECT f.path, f.sha256, f.mode, f.size_bytes, f.changed_in FROM version_files f"
	"   WHERE f.project_id = $1::uuid AND f.n = $3::integer"
	"   AND f.path NOT IN (SELECT c.path FROM changed c)"
	"  UNION ALL SELECT c.path, c.sha256, c.mode, c.size, $2::integer + 1 FROM changed c"
	"   WHERE c.sha256 IS NOT NULL),"
	" made AS (INSERT INTO versions (project_id, n, parent, kind, restored_from, generation_id,"
	"   message, author_id, file_count, size_bytes)"
	"  SELECT $1::uuid, $2::integer + 1, nullif($2::integer, 0), $5::text, $6::integer, "
	"$7::uuid,"
	"   $8::text, $9::uuid, count(*), coalesce(sum(size_bytes), 0) FROM tree"
	"  RETURNING n, file_count, size_bytes),"
	" files AS (INSERT INTO version_files (project_id, n, path, sha256, mode, size_bytes, "
	"changed_in)"
	"  SELECT $1::uuid, $2::integer + 1, path, sha256, mode, size_bytes, changed_in FROM tree),"
	" head AS (UPDATE projects SET head_version = $2::integer + 1, updated_at = now()"
	"  WHERE id = $1::uuid)"
	" SELECT made.n, made.file_count, made.size_bytes,"
	"  (SELECT min(t.path) FROM (SELECT path, lead(path) OVER (ORDER BY"
	"    replace(path, '/', chr(1)) COLLATE \"C\") AS following FROM tree) AS t"
	"   WHERE starts_with(t.following, t.path || '/')),"
	"  pg_notify('" SYNC_CHANNEL "', $1::uuid::text || ' ' || made.n) FROM made";

static int check_limits(const struct db_result *r, struct err *e)
{
	if (!db_is_null(r, 0, 3)) {
		return err_set(e, ERR_INVALID, "\"%.200s\" would be a file and a directory",
			       db_get(r, 0, 3));
	}
	if (db_get_int(r, 0, 1) > VERSION_FILES_MAX) {
		return err_set(e, ERR_TOO_LARGE, "a version holds at most %d files",
			       VERSION_FILES_MAX);
	}
	if (db_get_int(r, 0, 2) > VERSION_MAX_BYTES) {
		return err_set(e, ERR_TOO_LARGE, "the files of a version are at most %lld bytes",
			       VERSION_MAX_BYTES);
	}
	return 0;
}

int version_add(struct app *app, const char *project_id, int64_t expected_head,
		const struct file_change *changes, size_t n_changes,
		const struct version_meta *meta, int64_t *ret_n, struct err *e)
{
	__attribute__((cleanup(change_set_fini))) struct change_set set = {0};
	auto_db_result r = NULL;
	auto_free char *text = NULL;
	int64_t head = 0;

	if (change_set_init(&set, changes, n_changes, e) ||
	    (brings_bytes(&set) && space_check(app, e)) ||
	    lock_head(app, project_id, expected_head, &head, e) || insert_blobs(app, &set, e)) {
		return -1;
	}
	text = change_set_json(&set);
	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (db_query(app->db, insert_version,
		     DB_ARGS(db_text(project_id), db_int(head),
			     db_int(meta->restored_from ? meta->restored_from : head),
			     db_text(text), db_text(meta->kind),
			     meta->restored_from ? db_int(meta->restored_from) : db_null(),
			     db_text(meta->generation_id),
			     db_text(meta->message ? meta->message : ""), db_text(meta->author_id)),
		     &r, e) ||
	    check_limits(r, e)) {
		return -1;
	}
	*ret_n = head + 1;
	return 0;
}

int version_create(struct app *app, const char *project_id, int64_t expected_head,
		   const struct file_change *changes, size_t n_changes,
		   const struct version_meta *meta, int64_t *ret_n, struct err *e)
{
	int64_t n;

	if (db_begin(app->db, e) ||
	    version_add(app, project_id, expected_head, changes, n_changes, meta, &n, e) ||
	    db_commit(app->db, e)) {
		db_rollback(app->db);
		return -1;
	}
	*ret_n = n;
	return 0;
}
