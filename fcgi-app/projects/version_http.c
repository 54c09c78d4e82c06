#include "cleanup.h"
#include "db.h"
#include "projects/handlers.h"
#include "projects/page.h"
#include "projects/projects.h"
#include "projects/sql.h"
#include "projects/version_ref.h"
#include "projects/versions.h"

#include <inttypes.h>
#include <stdio.h>

int versions_list(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;
	struct page_query page;
	struct project_ref project;

	if (page_of_request(rq, 1, &page, e) || project_of_request(app, rq, &project, e)) {
		return -1;
	}
	if (db_query(app->db,
		     "SELECT json_build_object(" SQL_VERSION_PAIRS ")::text, v.n FROM versions v"
		     " WHERE v.project_id = $1 AND ($2::integer IS NULL OR v.n < $2)"
		     " ORDER BY v.n DESC LIMIT $3::bigint + 1",
		     DB_ARGS(db_text(project.id), db_text(page.after.keys[0]), db_int(page.limit)),
		     &r, e)) {
		return page_query_failed(&page, e);
	}
	return page_respond(rs, r, page.limit, 1, e);
}

static int respond(struct app *app, struct response *rs, int status, const char *project_id,
		   int64_t n, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(
		    app->db,
		    "SELECT json_build_object(" SQL_VERSION_PAIRS ", 'files',"
		    " (SELECT coalesce(json_agg(" SQL_FILE_JSON
		    " ORDER BY f.path COLLATE \"C\"), '[]')"
		    "  FROM version_files f WHERE f.project_id = v.project_id AND f.n = v.n))::text"
		    " FROM versions v WHERE v.project_id = $1 AND v.n = $2",
		    DB_ARGS(db_text(project_id), db_int(n)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such version");
	}
	return response_json_text(rs, status, db_get(r, 0, 0), e);
}

int version_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct project_ref project;
	int64_t n;

	if (project_of_request(app, rq, &project, e) || version_of_param(rq, 1, &project, &n, e)) {
		return -1;
	}
	return respond(app, rs, 200, project.id, n, e);
}

/* Programs may have overwritten files in their workspace: whoever goes back wants those put right
 * too, even where the two versions are the same. */
static int forget_workspace(struct app *app, const char *project_id, struct err *e)
{
	return db_query(app->db,
			"UPDATE sandboxes SET hydrated_version = NULL WHERE project_id = $1",
			DB_ARGS(db_text(project_id)), NULL, e);
}

/* What was current stays a version: nothing is lost by going back. */
int version_restore(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct project_ref project;
	char message[48];
	struct version_meta meta = {
		.kind = "restore",
		.author_id = rq->user.id,
		.message = message,
	};
	int64_t n;

	if (project_of_request(app, rq, &project, e) ||
	    version_of_param(rq, 1, &project, &meta.restored_from, e)) {
		return -1;
	}
	snprintf(message, sizeof(message), "Restore version %" PRId64, meta.restored_from);
	if (version_create(app, project.id, -1, NULL, 0, &meta, &n, e) ||
	    forget_workspace(app, project.id, e)) {
		return -1;
	}
	return respond(app, rs, 201, project.id, n, e);
}
