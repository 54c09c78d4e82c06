#include "generate/file_counts.h"

#include "cleanup.h"
#include "db.h"
#include "json.h"
#include "projects/diff.h"

#include <string.h>

/* As in a diff of versions (projects/version_diff.c). */
#define FILE_MAX_COUNTED (1024 * 1024)
#define INPUT_MAX_BYTES	 (8LL * 1024 * 1024)

/* What was written or deleted, as a JSON array. */
static char *paths_of(const struct summary *s)
{
	auto_json *paths = json_array();
	const char *path;
	json_t *file;

	json_object_foreach(s->files, path, file)
	{
		const char *state = json_string_value(json_object_get(file, "state"));

		if (state && (strcmp(state, "written") == 0 || strcmp(state, "deleted") == 0) &&
		    json_array_append_new(paths, json_string(path)) < 0) {
			return NULL;
		}
	}
	return paths ? json_text(paths) : NULL;
}

/* A side that is not there is empty. */
static int count_lines(struct db_result *r, struct diff_count *ret, bool *ret_is_text,
		       struct err *e)
{
	const void *bytes[2] = {"", ""};
	size_t len[2] = {0, 0};
	auto_strbuf none = {0};

	for (size_t side = 0; side < 2; side++) {
		if (!db_is_null(r, 0, side) &&
		    db_get_bytes(r, 0, side, &bytes[side], &len[side], e) < 0) {
			return -1;
		}
	}
	*ret_is_text = diff_is_text(bytes[0], len[0]) && diff_is_text(bytes[1], len[1]);
	strbuf_init(&none, 1); /* only the counts are wanted */
	return *ret_is_text ? diff_unified(bytes[0], len[0], bytes[1], len[1], &none, ret, e) : 0;
}

static int count_pair(struct db *db, const char *old, const char *new, json_t *file, struct err *e)
{
	auto_db_result r = NULL;
	struct diff_count count = {0};
	bool is_text;

	if (db_query(db,
		     "SELECT (SELECT bytes FROM blobs WHERE sha256 = $1),"
		     " (SELECT bytes FROM blobs WHERE sha256 = $2)",
		     DB_ARGS(db_text(old), db_text(new)), &r, e) < 0 ||
	    count_lines(r, &count, &is_text, e) < 0) {
		return -1;
	}
	if (!is_text) {
		return 0;
	}
	if (json_object_set_new(file, "additions", json_integer(count.additions)) < 0 ||
	    json_object_set_new(file, "deletions", json_integer(count.deletions)) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static int count_pairs(struct summary *s, struct db *db, const struct db_result *pairs,
		       struct err *e)
{
	int64_t left = INPUT_MAX_BYTES;

	for (size_t i = 0; i < db_rows(pairs); i++) {
		int64_t old_size = db_get_int(pairs, i, 3), new_size = db_get_int(pairs, i, 4);

		if (old_size > FILE_MAX_COUNTED || new_size > FILE_MAX_COUNTED ||
		    old_size + new_size > left) {
			continue;
		}
		left -= old_size + new_size;
		if (count_pair(db, db_is_null(pairs, i, 1) ? NULL : db_get(pairs, i, 1),
			       db_is_null(pairs, i, 2) ? NULL : db_get(pairs, i, 2),
			       json_object_get(s->files, db_get(pairs, i, 0)), e) < 0) {
			return -1;
		}
	}
	return 0;
}

int file_counts_add(struct summary *s, struct db *db, const char *project_id, int64_t base,
		    int64_t version, struct err *e)
{
	auto_free char *paths = paths_of(s);
	auto_db_result pairs = NULL;

	if (!paths) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (db_query(db,
		     "SELECT p.path, a.sha256, b.sha256, coalesce(a.size_bytes, 0),"
		     " coalesce(b.size_bytes, 0) FROM json_array_elements_text($4::json) AS p(path)"
		     " LEFT JOIN version_files a"
		     "  ON a.project_id = $1 AND a.n = $2::integer AND a.path = p.path"
		     " LEFT JOIN version_files b"
		     "  ON b.project_id = $1 AND b.n = $3::integer AND b.path = p.path",
		     DB_ARGS(db_text(project_id), db_int(base), db_int(version), db_text(paths)),
		     &pairs, e) < 0) {
		return -1;
	}
	return count_pairs(s, db, pairs, e);
}
