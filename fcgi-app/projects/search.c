/* Searching the text of a version's files. */

#include "cleanup.h"
#include "json.h"
#include "projects/content_type.h"
#include "projects/diff.h"
#include "projects/handlers.h"
#include "projects/line_search.h"
#include "projects/projects.h"
#include "projects/version_ref.h"
#include "projects/versions.h"

#include <string.h>

#define FILE_SEARCHED_MAX_BYTES (1024 * 1024)
#define SEARCHED_MAX_BYTES	(16LL * 1024 * 1024)
#define LINES_MAX		1000
#define LINES_OF_FILE_MAX	50

struct search {
	struct needle needle;
	json_t *items;
	int64_t bytes; /* of the files chosen */
	bool truncated;
};

/* By its name, so that what is no text is not even read. */
static bool is_media(const char *path)
{
	const char *type = content_type_of(path);

	return (!strncmp(type, "image/", 6) && !strstr(type, "svg")) ||
	       !strncmp(type, "font/", 5) || !strcmp(type, "application/pdf") ||
	       !strcmp(type, "application/wasm");
}

static bool is_searched(void *ctx, const struct version_file *f)
{
	struct search *s = ctx;

	if (f->size == 0 || f->size > FILE_SEARCHED_MAX_BYTES || is_media(f->path)) {
		return false;
	}
	if (s->bytes + f->size > SEARCHED_MAX_BYTES) {
		s->truncated = true;
		return false;
	}
	s->bytes += f->size;
	return true;
}

static int add_line(struct search *s, const char *path, const struct line_hit *hit, struct err *e)
{
	json_t *item = json_pack("{s:s, s:I, s:I, s:s%}", "path", path, "line",
				 (json_int_t)hit->line, "column", (json_int_t)hit->column, "text",
				 hit->excerpt, hit->excerpt_len);

	if (json_array_append_new(s->items, item)) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static int search_file(void *ctx, const struct version_file *f, struct err *e)
{
	struct search *s = ctx;
	struct line_search lines;
	struct line_hit hit;
	size_t n = 0;

	if (!diff_is_text(f->bytes, (size_t)f->size)) {
		return 0;
	}
	line_search_init(&lines, f->bytes, (size_t)f->size);
	while (line_search_next(&lines, &s->needle, &hit)) {
		if (n++ == LINES_OF_FILE_MAX) {
			s->truncated = true;
			break;
		}
		if (json_array_size(s->items) == LINES_MAX) {
			s->truncated = true;
			return 1;
		}
		if (add_line(s, f->path, &hit, e)) {
			return -1;
		}
	}
	return 0;
}

static int read_needle(const struct request *rq, struct needle *ret, struct err *e)
{
	char q[NEEDLE_MAX_BYTES + 1] = "";
	char match_case[8] = "false";

	if (request_query(rq, "q", q, sizeof(q), e) < 0 ||
	    request_query(rq, "case", match_case, sizeof(match_case), e) < 0) {
		return -1;
	}
	if (q[0] == '\0') {
		return err_set(e, ERR_INVALID, "query parameter q is missing: what to look for");
	}
	if (strcmp(match_case, "true") != 0 && strcmp(match_case, "false") != 0) {
		return err_set(e, ERR_INVALID, "query parameter case must be true or false");
	}
	needle_init(ret, q, !strcmp(match_case, "true"));
	return 0;
}

int project_search(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *object = NULL;
	struct project_ref project;
	struct search search = {0};
	int64_t n;

	if (read_needle(rq, &search.needle, e) || project_of_request(app, rq, &project, e) ||
	    version_of_query(rq, &project, &n, e)) {
		return -1;
	}
	object = json_pack("{s:I, s:[]}", "version", (json_int_t)n, "items");
	search.items = json_object_get(object, "items");
	if (!search.items) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (version_each_wanted(app, project.id, n, is_searched, search_file, &search, e)) {
		return -1;
	}
	if (json_object_set_new(object, "truncated", json_boolean(search.truncated)) ||
	    json_object_set_new(object, "next", json_null())) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return response_json(rs, 200, object, e);
}
