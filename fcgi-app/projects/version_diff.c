#include "cleanup.h"
#include "db.h"
#include "json.h"
#include "projects/diff.h"
#include "projects/handlers.h"
#include "projects/projects.h"
#include "projects/version_ref.h"

#include <string.h>

#define DIFF_FILE_MAX_BYTES  (1024 * 1024)	 /* larger ones are named without text */
#define DIFF_INPUT_MAX_BYTES (8LL * 1024 * 1024) /* read for one answer, both sides */
#define DIFF_TEXT_MAX_BYTES  (2 * 1024 * 1024)	 /* shown in one answer */

/* A path that differs; a side that lacks it has no hash. */
struct pair {
	const char *path, *sha256[2];
	int64_t size[2];
};

struct answer {
	struct app *app;
	json_t *files;
	int64_t input_left;
	size_t text_left;
};

static const char *status_of(const struct pair *p)
{
	if (!p->sha256[0]) {
		return "added";
	}
	return p->sha256[1] ? "modified" : "removed";
}

static int read_side(struct app *app, const char *sha256, struct db_result **r,
		     const void **ret_bytes, size_t *ret_len, struct err *e)
{
	if (!sha256) {
		*ret_bytes = "";
		*ret_len = 0;
		return 0;
	}
	if (db_query(app->db, "SELECT bytes FROM blobs WHERE sha256 = $1", DB_ARGS(db_text(sha256)),
		     r, e)) {
		return -1;
	}
	if (db_rows(*r) == 0) {
		return err_set(e, ERR_INTERNAL, "a file has no contents");
	}
	return db_get_bytes(*r, 0, 0, ret_bytes, ret_len, e);
}

/* Steals `text` (NULL: none to show). */
static int add_file(struct answer *a, const struct pair *p, bool binary,
		    const struct diff_count *count, json_t *text, struct err *e)
{
	json_t *file = json_pack("{s:s,s:s,s:b,s:o,s:o,s:o}", "path", p->path, "status",
				 status_of(p), "binary", binary, "additions",
				 count ? json_integer(count->additions) : json_null(), "deletions",
				 count ? json_integer(count->deletions) : json_null(), "diff",
				 text ? text : json_null());

	if (json_array_append_new(a->files, file)) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static int add_text(struct answer *a, const struct pair *p, const void *const bytes[2],
		    const size_t len[2], struct err *e)
{
	struct diff_count count;
	auto_strbuf text;
	json_t *shown = NULL;

	strbuf_init(&text, a->text_left);
	strbuf_addf(&text, "--- %s%s\n", p->sha256[0] ? "a/" : "",
		    p->sha256[0] ? p->path : "/dev/null");
	strbuf_addf(&text, "+++ %s%s\n", p->sha256[1] ? "b/" : "",
		    p->sha256[1] ? p->path : "/dev/null");
	if (diff_unified(bytes[0], len[0], bytes[1], len[1], &text, &count, e)) {
		return -1;
	}
	if (!text.failed) {
		shown = json_stringn(text.data, text.len);
		a->text_left -= text.len;
	}
	return add_file(a, p, false, &count, shown, e);
}

static int add_pair(struct answer *a, const struct pair *p, struct err *e)
{
	auto_db_result old = NULL;
	auto_db_result new = NULL;
	struct db_result **const r[2] = {&old, &new};
	const void *bytes[2];
	size_t len[2];
	int64_t input = p->size[0] + p->size[1];

	if (p->size[0] > DIFF_FILE_MAX_BYTES || p->size[1] > DIFF_FILE_MAX_BYTES ||
	    input > a->input_left) {
		return add_file(a, p, false, NULL, NULL, e);
	}
	a->input_left -= input;
	for (int side = 0; side < 2; side++) {
		if (read_side(a->app, p->sha256[side], r[side], &bytes[side], &len[side], e)) {
			return -1;
		}
		if (!diff_is_text(bytes[side], len[side])) {
			return add_file(a, p, true, NULL, NULL, e);
		}
	}
	return add_text(a, p, bytes, len, e);
}

static int add_pairs(struct answer *a, const char *project_id, int64_t from, int64_t to,
		     struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(a->app->db,
		     "WITH a AS (SELECT * FROM version_files WHERE project_id = $1 AND n = $2),"
		     " b AS (SELECT * FROM version_files WHERE project_id = $1 AND n = $3)"
		     " SELECT path, a.sha256, b.sha256, a.size_bytes, b.size_bytes"
		     " FROM a FULL JOIN b USING (path) WHERE a.sha256 IS DISTINCT FROM b.sha256"
		     " OR a.mode IS DISTINCT FROM b.mode"
		     " ORDER BY path COLLATE \"C\"",
		     DB_ARGS(db_text(project_id), db_int(from), db_int(to)), &r, e)) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		struct pair p = {.path = db_get(r, i, 0)};

		for (size_t side = 0; side < 2; side++) {
			p.sha256[side] = db_is_null(r, i, 1 + side) ? NULL : db_get(r, i, 1 + side);
			p.size[side] = db_get_int(r, i, 3 + side);
		}
		if (add_pair(a, &p, e)) {
			return -1;
		}
	}
	return 0;
}

int version_diff(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *object = NULL;
	struct project_ref project;
	struct answer answer = {
		.app = app,
		.input_left = DIFF_INPUT_MAX_BYTES,
		.text_left = DIFF_TEXT_MAX_BYTES,
	};
	int64_t from, to;

	if (project_of_request(app, rq, &project, e) ||
	    version_or_nothing_of_param(rq, 1, &project, &from, e) ||
	    version_or_nothing_of_param(rq, 2, &project, &to, e)) {
		return -1;
	}
	object = json_pack("{s:I,s:I,s:[]}", "from", (json_int_t)from, "to", (json_int_t)to,
			   "files");
	answer.files = json_object_get(object, "files");
	if (!answer.files) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (add_pairs(&answer, project.id, from, to, e)) {
		return -1;
	}
	return response_json(rs, 200, object, e);
}
