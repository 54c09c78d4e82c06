#include "cleanup.h"
#include "db.h"
#include "path.h"
#include "projects/content_type.h"
#include "projects/etag.h"
#include "projects/handlers.h"
#include "projects/projects.h"
#include "projects/sql.h"
#include "projects/version_ref.h"

#include <string.h>

int files_list(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;
	struct project_ref project;
	int64_t n;

	if (project_of_request(app, rq, &project, e) || version_of_query(rq, &project, &n, e) ||
	    db_query(app->db,
		     "SELECT json_build_object('version', $2::integer, 'items',"
		     " coalesce(json_agg(" SQL_FILE_JSON
		     " ORDER BY f.path COLLATE \"C\"), '[]'), 'next', NULL)::text"
		     " FROM version_files f WHERE f.project_id = $1 AND f.n = $2::integer",
		     DB_ARGS(db_text(project.id), db_int(n)), &r, e)) {
		return -1;
	}
	return response_json_text(rs, 200, db_get(r, 0, 0), e);
}

/* Contents come from whoever wrote them, on the origin of the API: they are only ever a download.
 */
static void download_headers(struct response *rs, const char *etag)
{
	response_header(rs, "ETag", etag);
	response_header(rs, "Cache-Control", "private, no-cache");
	response_header(rs, "Content-Disposition", "attachment");
	response_header(rs, "Content-Security-Policy", "sandbox; default-src 'none'");
}

static int send_contents(struct app *app, struct response *rs, const char *path, const char *sha256,
			 struct err *e)
{
	auto_db_result r = NULL;
	const void *bytes;
	size_t len;

	if (db_query(app->db, "SELECT bytes FROM blobs WHERE sha256 = $1", DB_ARGS(db_text(sha256)),
		     &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_INTERNAL, "a file has no contents");
	}
	if (db_get_bytes(r, 0, 0, &bytes, &len, e)) {
		return -1;
	}
	return response_bytes(rs, 200, content_type_of(path), bytes, len, e);
}

int file_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;
	struct project_ref project;
	const char *path = rq->params[1];
	const char *none_match = request_header(rq, "If-None-Match");
	char etag[ETAG_BYTES];
	int64_t n;

	if (path_check(path, strlen(path), e) || project_of_request(app, rq, &project, e) ||
	    version_of_query(rq, &project, &n, e) ||
	    db_query(app->db,
		     "SELECT sha256, changed_in FROM version_files"
		     " WHERE project_id = $1 AND n = $2 AND path = $3",
		     DB_ARGS(db_text(project.id), db_int(n), db_text(path)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such file");
	}
	etag_write(db_get_int(r, 0, 1), etag);
	download_headers(rs, etag);
	if (none_match && (!strcmp(none_match, "*") || etag_list_has(none_match, etag, true))) {
		return response_empty(rs, 304, e);
	}
	return send_contents(app, rs, path, db_get(r, 0, 0), e);
}
