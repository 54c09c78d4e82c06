/* Share links over HTTP. */

#include "accounts/account.h"
#include "cleanup.h"
#include "db.h"
#include "previews/handlers.h"
#include "previews/preview_url.h"
#include "previews/share_body.h"
#include "previews/way_in.h"
#include "projects/page.h"
#include "projects/projects.h"
#include "projects/sql.h"
#include "strbuf.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SHARES_MAX 100 /* live ones of a project */

/* A share as the API shows it but for its url, which PostgreSQL cannot make. */
#define SQL_SHARE_JSON                                                                             \
	"json_build_object('id', s.id, 'name', s.name, 'url', NULL,"                               \
	" 'expires_at', " SQL_TIME(                                                                \
		"s.expires_at") ","                                                                \
				" 'has_password', s.password_hash IS NOT NULL, 'opens', s.opens,"  \
				" 'last_opened_at', " SQL_TIME(                                    \
					"s.last_opened_at") ","                                    \
							    " 'created_at', " SQL_TIME(            \
								    "s.created_at") ","            \
										    " 'revoked_"   \
										    "at',"         \
										    " " SQL_TIME(  \
											    "s."   \
											    "revo" \
											    "ked_" \
											    "at") ")::text"

#define SQL_OWN_SHARES                                                                             \
	" FROM shares s JOIN projects p ON p.id = s.project_id"                                    \
	" WHERE p.id = $1 AND p.user_id = $2 AND p.deleted_at IS NULL"

/* What links are made of. */
struct link_maker {
	struct preview_base base;
	unsigned char key[GRANT_KEY_BYTES];
};

static int link_maker_init(struct app *app, struct link_maker *ret, struct err *e)
{
	preview_base_of(app->config, &ret->base);
	return way_in_key(app, ret->key, e);
}

/* A row of (share as JSON, …) with its slug in column `slug_col`, as a new reference with its url.
 */
static int share_of_row(const struct link_maker *m, const struct db_result *r, size_t row,
			size_t slug_col, json_t **ret, struct err *e)
{
	char token[SHARE_TOKEN_BYTES], url[PREVIEW_PART_BYTES * 2];
	const char *text = db_get(r, row, 0);
	auto_json *share = NULL;

	if (json_parse(text, strlen(text), strlen(text), &share, e) < 0 ||
	    grant_share_token(m->key, json_string_value(json_object_get(share, "id")), token, e) <
		    0) {
		return -1;
	}
	(void)snprintf(url, sizeof(url), "%s%s%s/.slipway/share/%s", m->base.before,
		       db_get(r, row, slug_col), m->base.after, token);
	if (json_object_set_new(share, "url", json_string(url)) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	*ret = json_incref(share);
	return 0;
}

static int add_item(void *ctx, const struct db_result *r, size_t row, struct strbuf *out,
		    struct err *e)
{
	auto_json *share = NULL;
	auto_free char *text = NULL;

	if (share_of_row(ctx, r, row, 3, &share, e) < 0) {
		return -1;
	}
	text = json_text(share);
	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	strbuf_adds(out, text);
	return 0;
}

int shares_list(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct project_ref project;
	struct page_query page;
	auto_db_result r = NULL;
	struct link_maker m;

	if (project_of_request(app, rq, &project, e) < 0 || page_of_request(rq, 2, &page, e) < 0 ||
	    link_maker_init(app, &m, e) < 0) {
		return -1;
	}
	if (db_query(app->db,
		     "SELECT " SQL_SHARE_JSON ", s.created_at, s.id, p.slug" SQL_OWN_SHARES
		     " AND ($3::timestamptz IS NULL OR s.created_at < $3"
		     "  OR (s.created_at = $3 AND s.id > $4::uuid))"
		     " ORDER BY s.created_at DESC, s.id LIMIT $5::bigint + 1",
		     DB_ARGS(db_text(project.id), db_text(rq->user.id), db_text(page.after.keys[0]),
			     db_text(page.after.keys[1]), db_int(page.limit)),
		     &r, e) < 0) {
		return page_query_failed(&page, e);
	}
	return page_respond_with(rs, r, page.limit, 2, add_item, &m, e);
}

static int share_respond(struct app *app, const struct request *rq, struct response *rs, int status,
			 const char *project_id, const char *share_id, struct err *e)
{
	auto_db_result r = NULL;
	auto_json *share = NULL;
	struct link_maker m;

	if (link_maker_init(app, &m, e) < 0 ||
	    db_query(app->db, "SELECT " SQL_SHARE_JSON ", p.slug" SQL_OWN_SHARES " AND s.id = $3",
		     DB_ARGS(db_text(project_id), db_text(rq->user.id), db_text(share_id)), &r,
		     e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) {
		return err_set(e, ERR_NOT_FOUND, "there is no such share link");
	}
	if (share_of_row(&m, r, 0, 1, &share, e) < 0) {
		return -1;
	}
	return response_json(rs, status, share, e);
}

int share_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	const char *project_id, *share_id;

	if (request_uuid(rq, 0, &project_id, e) < 0 || request_uuid(rq, 1, &share_id, e) < 0) {
		return -1;
	}
	return share_respond(app, rq, rs, 200, project_id, share_id, e);
}

/* Unix time as a parameter, 0 as NULL. */
static struct db_param time_or_null(int64_t unix_s)
{
	return unix_s ? db_int(unix_s) : db_null();
}

/* Two requests at once may make one more than that: no harm. */
static int check_count(struct app *app, const char *project_id, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT count(*) FROM shares WHERE project_id = $1 AND revoked_at IS NULL"
		     " AND (expires_at IS NULL OR expires_at > now())",
		     DB_ARGS(db_text(project_id)), &r, e) < 0) {
		return -1;
	}
	if (db_get_int(r, 0, 0) >= SHARES_MAX) {
		return err_set(e, ERR_UNPROCESSABLE,
			       "this project has %d share links; revoke one first", SHARES_MAX);
	}
	return 0;
}

int shares_create(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct project_ref project;
	struct share_change change;
	auto_json *object = NULL;
	auto_db_result r = NULL;
	char id[UUID_TEXT_BYTES];

	if (project_of_request(app, rq, &project, e) < 0 || request_json(rq, &object, e) < 0 ||
	    share_change_of(object, time(NULL), &change, e) < 0 ||
	    check_count(app, project.id, e) < 0 || db_begin(app->db, e) < 0 ||
	    db_query(app->db,
		     "INSERT INTO shares (project_id, name, password_hash, expires_at)"
		     " VALUES ($1, $2, $3, to_timestamp($4::bigint)) RETURNING id",
		     DB_ARGS(db_text(project.id), db_text(change.name ? change.name : ""),
			     db_text(change.password_hash[0] ? change.password_hash : NULL),
			     time_or_null(change.expires_s)),
		     &r, e) < 0) {
		return -1;
	}
	(void)snprintf(id, sizeof(id), "%s", db_get(r, 0, 0));
	if (account_audit(app->db, rq->user.id, "share_created", id, rq->remote_addr, "{}", e) <
		    0 ||
	    db_commit(app->db, e) < 0) {
		return -1;
	}
	return share_respond(app, rq, rs, 201, project.id, id, e);
}

/* Nothing was changed: there is none, or it is a dead one. */
static int patched_nothing(struct app *app, const char *project_id, const char *id, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db, "SELECT FROM shares WHERE id = $1 AND project_id = $2",
		     DB_ARGS(db_text(id), db_text(project_id)), &r, e) < 0) {
		return -1;
	}
	return db_rows(r) == 1
		       ? err_set(e, ERR_CONFLICT, "this share link is revoked; make a new one")
		       : err_set(e, ERR_NOT_FOUND, "there is no such share link");
}

int share_patch(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct project_ref project;
	struct share_change change;
	auto_json *object = NULL;
	auto_db_result r = NULL;
	const char *id;

	if (project_of_request(app, rq, &project, e) < 0 || request_uuid(rq, 1, &id, e) < 0 ||
	    request_json(rq, &object, e) < 0 ||
	    share_change_of(object, time(NULL), &change, e) < 0 ||
	    db_query(app->db,
		     "UPDATE shares SET name = coalesce($3, name),"
		     " expires_at = CASE WHEN $4::boolean THEN to_timestamp($5::bigint)"
		     "  ELSE expires_at END,"
		     " password_hash = CASE WHEN $6::boolean THEN $7 ELSE password_hash END"
		     " WHERE id = $1 AND project_id = $2 AND revoked_at IS NULL",
		     DB_ARGS(db_text(id), db_text(project.id), db_text(change.name),
			     db_bool(change.sets_expiry), time_or_null(change.expires_s),
			     db_bool(change.sets_password),
			     db_text(change.password_hash[0] ? change.password_hash : NULL)),
		     &r, e) < 0) {
		return -1;
	}
	if (db_affected(r) != 1) {
		return patched_nothing(app, project.id, id, e);
	}
	return share_respond(app, rq, rs, 200, project.id, id, e);
}

/* The router hears of it by the trigger, and lets nobody in by it from then on. */
int share_delete(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct project_ref project;
	auto_db_result r = NULL;
	const char *id;

	if (project_of_request(app, rq, &project, e) < 0 || request_uuid(rq, 1, &id, e) < 0 ||
	    db_query(app->db,
		     "UPDATE shares SET revoked_at = coalesce(revoked_at, now())"
		     " WHERE id = $1 AND project_id = $2",
		     DB_ARGS(db_text(id), db_text(project.id)), &r, e) < 0) {
		return -1;
	}
	if (db_affected(r) != 1) {
		return err_set(e, ERR_NOT_FOUND, "there is no such share link");
	}
	if (account_audit(app->db, rq->user.id, "share_revoked", id, rq->remote_addr, "{}", e) <
	    0) {
		return -1;
	}
	return response_empty(rs, 204, e);
}
