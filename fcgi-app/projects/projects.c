#include "projects/projects.h"

#include "cleanup.h"
#include "db.h"
#include "previews/preview_url.h"
#include "projects/handlers.h"
#include "projects/page.h"
#include "projects/sql.h"

#include <stdio.h>
#include <string.h>

#define SEARCH_MAX_BYTES 400
#define FROM_PROJECTS	 " FROM projects p LEFT JOIN sandboxes s ON s.project_id = p.id"

int project_of_request(struct app *app, const struct request *rq, struct project_ref *ret,
		       struct err *e)
{
	auto_db_result r = NULL;
	const char *id;

	if (request_uuid(rq, 0, &id, e) ||
	    db_query(app->db,
		     "SELECT id, head_version FROM projects"
		     " WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
		     DB_ARGS(db_text(id), db_text(rq->user.id)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such project");
	}
	snprintf(ret->id, sizeof(ret->id), "%s", db_get(r, 0, 0));
	ret->head_version = db_get_int(r, 0, 1);
	return 0;
}

int project_respond(struct app *app, struct response *rs, int status, const char *id,
		    const char *user_id, struct err *e)
{
	auto_db_result r = NULL;
	struct preview_base base;

	preview_base_of(app->config, &base);
	if (db_query(app->db,
		     "SELECT " SQL_PROJECT_JSON("$3", "$4") FROM_PROJECTS
		     " WHERE p.id = $1 AND p.user_id = $2 AND p.deleted_at IS NULL",
		     DB_ARGS(db_text(id), db_text(user_id), db_text(base.before),
			     db_text(base.after)),
		     &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such project");
	}
	return response_json_text(rs, status, db_get(r, 0, 0), e);
}

int project_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	const char *id;

	if (request_uuid(rq, 0, &id, e)) {
		return -1;
	}
	return project_respond(app, rs, 200, id, rq->user.id, e);
}

/* 1 ?deleted=true, 0 not, -1. */
static int wants_deleted(const struct request *rq, struct err *e)
{
	char text[8] = "false";

	if (request_query(rq, "deleted", text, sizeof(text), e) < 0) {
		return -1;
	}
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
		return err_set(e, ERR_INVALID, "query parameter deleted must be true or false");
	}
	return strcmp(text, "true") == 0;
}

/* The one list by updated_at, the other by deleted_at, which are their cursors' first keys. */
static int query_list(struct app *app, const struct request *rq, bool deleted,
		      const struct page_query *page, const char *search, struct db_result **ret,
		      struct err *e)
{
	static const char sql[] = "SELECT " SQL_PROJECT_JSON(
		"$6", "$7") ", p.updated_at, p.id" FROM_PROJECTS
			    " WHERE p.user_id = $1 AND p.deleted_at IS NULL"
			    " AND ($2 = '' OR strpos(lower(p.name), lower($2)) > 0)"
			    " AND ($3::timestamptz IS NULL OR p.updated_at < $3"
			    "  OR (p.updated_at = $3 AND p.id > $4::uuid))"
			    " ORDER BY p.updated_at DESC, p.id LIMIT $5::bigint + 1";
	static const char sql_deleted[] = "SELECT " SQL_PROJECT_JSON(
		"$6", "$7") ", p.deleted_at, p.id" FROM_PROJECTS
			    " WHERE p.user_id = $1 AND " SQL_CAN_COME_BACK
			    " AND ($2 = '' OR strpos(lower(p.name), lower($2)) > 0)"
			    " AND ($3::timestamptz IS NULL OR p.deleted_at < $3"
			    "  OR (p.deleted_at = $3 AND p.id > $4::uuid))"
			    " ORDER BY p.deleted_at DESC, p.id LIMIT $5::bigint + 1";
	struct preview_base base;

	preview_base_of(app->config, &base);
	return db_query(app->db, deleted ? sql_deleted : sql,
			DB_ARGS(db_text(rq->user.id), db_text(search), db_text(page->after.keys[0]),
				db_text(page->after.keys[1]), db_int(page->limit),
				db_text(base.before), db_text(base.after)),
			ret, e);
}

int projects_list(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;
	struct page_query page;
	char search[SEARCH_MAX_BYTES] = "";
	int deleted = wants_deleted(rq, e);

	if (deleted < 0 || page_of_request(rq, 2, &page, e) ||
	    request_query(rq, "q", search, sizeof(search), e) < 0) {
		return -1;
	}
	if (query_list(app, rq, deleted, &page, search, &r, e)) {
		return page_query_failed(&page, e);
	}
	return page_respond(rs, r, page.limit, 2, e);
}
