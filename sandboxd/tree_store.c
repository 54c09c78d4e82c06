#include "tree_store.h"

#include "db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_AFTER "10 minutes"

static enum tree_state state_of(const char *name)
{
	if (strcmp(name, "ready") == 0) {
		return TREE_READY;
	}
	return strcmp(name, "building") == 0 ? TREE_BUILDING : TREE_FAILED;
}

int tree_store_find(struct db *db, const char *key, enum tree_state *ret, char ret_error[200],
		    struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db,
		     "SELECT state, coalesce(error, '') FROM trees WHERE key = $1 AND (state <> "
		     "'failed' OR built_at > now() - interval '" RETRY_AFTER "')",
		     DB_ARGS(db_text(key)), &r, e) < 0) {
		return -1;
	}
	*ret = TREE_NONE;
	ret_error[0] = '\0';
	if (db_rows(r) > 0) {
		*ret = state_of(db_get(r, 0, 0));
		(void)snprintf(ret_error, 200, "%s", db_get(r, 0, 1));
	}
	return 0;
}

int tree_store_begin(struct db *db, const char *key, int64_t packages, struct err *e)
{
	return db_query(db,
			"INSERT INTO trees (key, state, packages) VALUES ($1, 'building', $2) "
			"ON CONFLICT (key) DO UPDATE SET state = 'building', packages = $2, error "
			"= NULL, size_bytes = 0, built_at = NULL, last_used_at = now()",
			DB_ARGS(db_text(key), db_int(packages)), NULL, e);
}

int tree_store_ready(struct db *db, const char *key, int64_t size_bytes, struct err *e)
{
	return db_query(db,
			"UPDATE trees SET state = 'ready', size_bytes = $2, built_at = now(), "
			"last_used_at = now() WHERE key = $1",
			DB_ARGS(db_text(key), db_int(size_bytes)), NULL, e);
}

int tree_store_failed(struct db *db, const char *key, const char *why, struct err *e)
{
	return db_query(db,
			"UPDATE trees SET state = 'failed', error = $2, built_at = now() WHERE key "
			"= $1",
			DB_ARGS(db_text(key), db_text(why)), NULL, e);
}

int tree_store_delete(struct db *db, const char *key, struct err *e)
{
	return db_query(db, "DELETE FROM trees WHERE key = $1", DB_ARGS(db_text(key)), NULL, e);
}

int tree_store_touch(struct db *db, const char *key, struct err *e)
{
	return db_query(db, "UPDATE trees SET last_used_at = now() WHERE key = $1",
			DB_ARGS(db_text(key)), NULL, e);
}

int tree_store_list(struct db *db, struct tree_row **ret, size_t *ret_n, struct err *e)
{
	struct tree_row *rows;
	auto_db_result r = NULL;
	size_t n;

	if (db_query(db,
		     "SELECT key, state, extract(epoch FROM now() - last_used_at)::bigint FROM "
		     "trees ORDER BY last_used_at, key",
		     DB_NO_ARGS, &r, e) < 0) {
		return -1;
	}
	n = db_rows(r);
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(rows[i].key, sizeof(rows[i].key), "%s", db_get(r, i, 0));
		rows[i].state = state_of(db_get(r, i, 1));
		rows[i].idle_s = db_get_int(r, i, 2);
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}

int tree_store_of_sandbox(struct db *db, const char *sandbox_id, char ret_key[TREE_KEY_BYTES],
			  struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db, "SELECT tree_key FROM sandboxes WHERE id = $1",
		     DB_ARGS(db_text(sandbox_id)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such sandbox");
	}
	(void)snprintf(ret_key, TREE_KEY_BYTES, "%s", db_get(r, 0, 0));
	return 0;
}

int tree_store_set_sandbox(struct db *db, const char *sandbox_id, const char *key, struct err *e)
{
	return db_query(db,
			"UPDATE sandboxes SET tree_key = nullif($2, ''), updated_at = now() WHERE "
			"id = $1",
			DB_ARGS(db_text(sandbox_id), db_text(key)), NULL, e);
}

/* Copies the bytes of a row's file. */
static int take_file(struct db_result *r, size_t row, int64_t max_bytes, char **ret,
		     size_t *ret_len, struct err *e)
{
	const char *path = db_get(r, row, 0);
	const void *bytes;
	size_t len;
	char *copy;

	if (db_is_null(r, row, 1)) {
		return err_set(e, ERR_TOO_LARGE, "%s is larger than %lld KiB", path,
			       (long long)max_bytes / 1024);
	}
	if (db_get_bytes(r, row, 1, &bytes, &len, e) < 0) {
		return -1;
	}
	copy = malloc(len + 1);
	if (!copy) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	*ret = copy;
	*ret_len = len;
	return 0;
}

int tree_store_files(struct db *db, const char *project_id, int64_t max_bytes,
		     struct tree_files *ret, struct err *e)
{
	static const char sql[] =
		"SELECT f.path, b.bytes FROM projects p JOIN version_files f ON f.project_id = "
		"p.id AND f.n = p.head_version LEFT JOIN blobs b ON b.sha256 = f.sha256 AND "
		"f.size_bytes <= $2 WHERE p.id = $1 AND f.path IN ('package.json', "
		"'package-lock.json', 'npm-shrinkwrap.json', '.npmrc', 'binding.gyp')";
	struct tree_files files = {0};
	auto_db_result r = NULL;
	int rc = 0;

	if (db_query(db, sql, DB_ARGS(db_text(project_id), db_int(max_bytes)), &r, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r) && rc == 0; i++) {
		const char *path = db_get(r, i, 0);

		if (strcmp(path, "package.json") == 0) {
			rc = take_file(r, i, max_bytes, &files.manifest, &files.manifest_len, e);
		} else if (strcmp(path, "package-lock.json") == 0) {
			rc = take_file(r, i, max_bytes, &files.lockfile, &files.lockfile_len, e);
		} else {
			(void)snprintf(files.other, sizeof(files.other), "%s", path);
		}
	}
	if (rc < 0) {
		tree_files_fini(&files);
		return -1;
	}
	*ret = files;
	return 0;
}

void tree_files_fini(struct tree_files *f)
{
	free(f->manifest);
	free(f->lockfile);
	*f = (struct tree_files){0};
}
