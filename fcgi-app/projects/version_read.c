#include "cleanup.h"
#include "db.h"
#include "projects/versions.h"

#include <string.h>

#define BATCH_BYTES                                                                                \
	(4LL * 1024 * 1024) /* file contents held at once, if no single file is larger */

/* Rows first..last of the list with their bytes, in one query. */
static int each_with_bytes(struct app *app, const char *project_id, int64_t n,
			   const struct db_result *list, size_t first, size_t last,
			   version_file_fn *fn, void *ctx, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT b.bytes FROM version_files f JOIN blobs b USING (sha256)"
		     " WHERE f.project_id = $1 AND f.n = $2 AND f.path COLLATE \"C\" BETWEEN $3 "
		     "AND $4"
		     " ORDER BY f.path COLLATE \"C\"",
		     DB_ARGS(db_text(project_id), db_int(n), db_text(db_get(list, first, 0)),
			     db_text(db_get(list, last, 0))),
		     &r, e)) {
		return -1;
	}
	if (db_rows(r) != last - first + 1) {
		return err_set(e, ERR_INTERNAL, "a version's files changed while they were read");
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		struct version_file f = {
			.path = db_get(list, first + i, 0),
			.sha256 = db_get(list, first + i, 1),
			.mode = (int)db_get_int(list, first + i, 2),
		};
		size_t len;

		if (db_get_bytes(r, i, 0, &f.bytes, &len, e)) {
			return -1;
		}
		f.size = (int64_t)len;
		if (fn(ctx, &f, e)) {
			return -1;
		}
	}
	return 0;
}

static int each_named(const struct db_result *list, version_file_fn *fn, void *ctx, struct err *e)
{
	for (size_t i = 0; i < db_rows(list); i++) {
		struct version_file f = {
			.path = db_get(list, i, 0),
			.sha256 = db_get(list, i, 1),
			.mode = (int)db_get_int(list, i, 2),
			.size = db_get_int(list, i, 3),
		};

		if (fn(ctx, &f, e)) {
			return -1;
		}
	}
	return 0;
}

int version_each(struct app *app, const char *project_id, int64_t n, bool with_bytes,
		 version_file_fn *fn, void *ctx, struct err *e)
{
	auto_db_result list = NULL;
	size_t first = 0, rows;

	if (db_query(app->db,
		     "SELECT path, sha256, mode, size_bytes FROM version_files"
		     " WHERE project_id = $1 AND n = $2 ORDER BY path COLLATE \"C\"",
		     DB_ARGS(db_text(project_id), db_int(n)), &list, e)) {
		return -1;
	}
	if (!with_bytes) {
		return each_named(list, fn, ctx, e);
	}
	rows = db_rows(list);
	while (first < rows) {
		int64_t bytes = db_get_int(list, first, 3);
		size_t last = first;

		while (last + 1 < rows && bytes + db_get_int(list, last + 1, 3) <= BATCH_BYTES) {
			bytes += db_get_int(list, ++last, 3);
		}
		if (each_with_bytes(app, project_id, n, list, first, last, fn, ctx, e)) {
			return -1;
		}
		first = last + 1;
	}
	return 0;
}
