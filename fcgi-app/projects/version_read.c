#include "cleanup.h"
#include "db.h"
#include "json.h"
#include "projects/versions.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES                                                                                \
	(4LL * 1024 * 1024) /* file contents held at once, if no single file is larger */

static struct version_file file_of(const struct db_result *list, size_t row)
{
	return (struct version_file){
		.path = db_get(list, row, 0),
		.sha256 = db_get(list, row, 1),
		.mode = (int)db_get_int(list, row, 2),
		.size = db_get_int(list, row, 3),
	};
}

/* A batch is n rows of the list. */
static int read_batch(struct app *app, const struct db_result *list, const size_t *rows, size_t n,
		      struct db_result **ret, struct err *e)
{
	auto_json *hashes = json_array();
	auto_free char *text = NULL;

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(hashes, json_string(file_of(list, rows[i]).sha256))) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
	}
	text = json_text(hashes);
	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (db_query(app->db,
		     "SELECT b.bytes FROM json_array_elements_text($1::json) WITH ORDINALITY"
		     " AS wanted (sha256, i) JOIN blobs b USING (sha256) ORDER BY wanted.i",
		     DB_ARGS(db_text(text)), ret, e)) {
		return -1;
	}
	if (db_rows(*ret) != n) {
		return err_set(e, ERR_INTERNAL, "a version's files changed while they were read");
	}
	return 0;
}

static int each_of_batch(struct app *app, const struct db_result *list, const size_t *rows,
			 size_t n, version_file_fn *fn, void *ctx, struct err *e)
{
	auto_db_result r = NULL;
	int rc = 0;

	if (read_batch(app, list, rows, n, &r, e)) {
		return -1;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct version_file f = file_of(list, rows[i]);
		size_t len;

		if (db_get_bytes(r, i, 0, &f.bytes, &len, e)) {
			return -1;
		}
		rc = fn(ctx, &f, e);
	}
	return rc;
}

static int each_with_bytes(struct app *app, const struct db_result *list, const size_t *rows,
			   size_t n, version_file_fn *fn, void *ctx, struct err *e)
{
	int rc = 0;

	for (size_t first = 0, next; first < n && rc == 0; first = next) {
		int64_t bytes = db_get_int(list, rows[first], 3);

		for (next = first + 1; next < n; next++) {
			bytes += db_get_int(list, rows[next], 3);
			if (bytes > BATCH_BYTES) {
				break;
			}
		}
		rc = each_of_batch(app, list, rows + first, next - first, fn, ctx, e);
	}
	return rc < 0 ? -1 : 0;
}

static int query_list(struct app *app, const char *project_id, int64_t n, struct db_result **ret,
		      struct err *e)
{
	return db_query(app->db,
			"SELECT path, sha256, mode, size_bytes FROM version_files"
			" WHERE project_id = $1 AND n = $2 ORDER BY path COLLATE \"C\"",
			DB_ARGS(db_text(project_id), db_int(n)), ret, e);
}

static int each_named(struct app *app, const char *project_id, int64_t n, version_file_fn *fn,
		      void *ctx, struct err *e)
{
	auto_db_result list = NULL;
	int rc = 0;

	if (query_list(app, project_id, n, &list, e)) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(list) && rc == 0; i++) {
		const struct version_file f = file_of(list, i);

		rc = fn(ctx, &f, e);
	}
	return rc < 0 ? -1 : 0;
}

int version_each_wanted(struct app *app, const char *project_id, int64_t n,
			version_wanted_fn *wanted, version_file_fn *fn, void *ctx, struct err *e)
{
	auto_db_result list = NULL;
	auto_free size_t *rows = NULL;
	size_t n_rows = 0;

	if (query_list(app, project_id, n, &list, e)) {
		return -1;
	}
	rows = calloc(db_rows(list) + 1, sizeof(*rows));
	if (!rows) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < db_rows(list); i++) {
		const struct version_file f = file_of(list, i);

		if (!wanted || wanted(ctx, &f)) {
			rows[n_rows++] = i;
		}
	}
	return each_with_bytes(app, list, rows, n_rows, fn, ctx, e);
}

int version_each(struct app *app, const char *project_id, int64_t n, bool with_bytes,
		 version_file_fn *fn, void *ctx, struct err *e)
{
	return with_bytes ? version_each_wanted(app, project_id, n, NULL, fn, ctx, e)
			  : each_named(app, project_id, n, fn, ctx, e);
}
