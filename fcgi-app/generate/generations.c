#include "cleanup.h"
#include "db.h"
#include "generate/handlers.h"
#include "projects/page.h"
#include "projects/projects.h"
#include "projects/sql.h"

#define SQL_GENERATION_JSON                                                                        \
	"json_build_object('id', g.id, 'project_id', g.project_id, 'mode', g.mode,"                \
	" 'prompt', g.prompt, 'provider', g.provider, 'model', g.model, 'state', g.state,"         \
	" 'base_version', g.base_version, 'version', g.version, 'error', g.error,"                 \
	" 'cancel_requested', g.cancel_requested,"                                                 \
	" 'usage', json_build_object('prompt_tokens', g.prompt_tokens,"                            \
	"  'completion_tokens', g.completion_tokens),"                                             \
	" 'reply', g.reply, 'summary', g.summary::json, 'started_at', " SQL_TIME(                  \
		"g.started_at") ", 'finished_at', " SQL_TIME("g.finished_at") ")::text"

/* A page ends where its prompts, replies and summaries have this many bytes, of which the item that
 * goes beyond is the last: a reply may be long, and nothing of it is cut. */
#define PAGE_BYTES (1024 * 1024)

/* How many rows are items of this page; the others have no text. */
static int64_t items_of(const struct db_result *r, int64_t limit)
{
	int64_t n = 0;

	while (n < limit && n < (int64_t)db_rows(r) && !db_is_null(r, (size_t)n, 0)) {
		n++;
	}
	return n;
}

int generations_list(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;
	struct page_query page;
	struct project_ref project;

	if (page_of_request(rq, 2, &page, e) || project_of_request(app, rq, &project, e)) {
		return -1;
	}
	if (db_query(app->db,
		     "WITH page AS (SELECT g.id, g.started_at, octet_length(g.prompt)"
		     "  + coalesce(octet_length(g.reply), 0)"
		     "  + coalesce(octet_length(g.summary), 0) AS bytes FROM generations g"
		     "  WHERE g.project_id = $1 AND ($2::timestamptz IS NULL OR g.started_at < $2"
		     "   OR (g.started_at = $2 AND g.id > $3::uuid))"
		     "  ORDER BY g.started_at DESC, g.id LIMIT $4::bigint + 1),"
		     " sized AS (SELECT id, sum(bytes) OVER (ORDER BY started_at DESC, id) - bytes"
		     "  AS before FROM page)"
		     " SELECT CASE WHEN s.before < $5 THEN " SQL_GENERATION_JSON " END,"
		     " g.started_at, g.id FROM sized s JOIN generations g USING (id)"
		     " ORDER BY g.started_at DESC, g.id",
		     DB_ARGS(db_text(project.id), db_text(page.after.keys[0]),
			     db_text(page.after.keys[1]), db_int(page.limit), db_int(PAGE_BYTES)),
		     &r, e)) {
		return page_query_failed(&page, e);
	}
	return page_respond(rs, r, items_of(r, page.limit), 2, e);
}

static int respond(struct app *app, struct request *rq, struct response *rs, int status,
		   struct err *e)
{
	auto_db_result r = NULL;
	const char *project_id, *id;

	if (request_uuid(rq, 0, &project_id, e) || request_uuid(rq, 1, &id, e) ||
	    db_query(app->db,
		     "SELECT " SQL_GENERATION_JSON " FROM generations g JOIN projects p"
		     " ON p.id = g.project_id WHERE g.id = $1 AND p.id = $2 AND p.user_id = $3"
		     " AND p.deleted_at IS NULL",
		     DB_ARGS(db_text(id), db_text(project_id), db_text(rq->user.id)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such generation");
	}
	return response_json_text(rs, status, db_get(r, 0, 0), e);
}

int generation_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	return respond(app, rq, rs, 200, e);
}

/* The worker that runs it looks at each beat, wherever it is. One that has ended stays as it is. */
int generation_cancel(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	const char *project_id, *id;

	if (request_uuid(rq, 0, &project_id, e) || request_uuid(rq, 1, &id, e) ||
	    db_query(app->db,
		     "UPDATE generations g SET cancel_requested = true"
		     " FROM projects p WHERE g.id = $1 AND g.project_id = $2 AND p.id = $2"
		     " AND p.user_id = $3 AND p.deleted_at IS NULL AND g.state = 'running'",
		     DB_ARGS(db_text(id), db_text(project_id), db_text(rq->user.id)), NULL, e)) {
		return -1;
	}
	return respond(app, rq, rs, 202, e);
}
