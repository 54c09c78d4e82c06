/* One-time ways into a private preview for its owner's own browser. */

#include "cleanup.h"
#include "config.h"
#include "db.h"
#include "previews/handlers.h"
#include "previews/page.h"
#include "previews/preview_url.h"
#include "previews/visitor.h"
#include "previews/way_in.h"
#include "projects/sql.h"
#include "token.h"

#include <stdio.h>
#include <string.h>

#define TICKET_PREFIX	  "swt_"
#define TICKET_TEXT_BYTES 64
#define TICKET_LIFE	  "interval '60 seconds'"
#define ENTER		  "/.slipway/enter?ticket="

struct ticket_body {
	const char *path;
};

const struct json_field preview_ticket_fields[1] = {
	{.name = "path",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .min = 1,
	 .max = PREVIEW_PATH_MAX,
	 .offset = offsetof(struct ticket_body, path)},
};

static int check_path(const char *path, struct err *e)
{
	if (!preview_path_ok(path)) {
		return err_set(e, ERR_INVALID,
			       "the path must begin with one slash and hold no backslash and no "
			       "control character");
	}
	return 0;
}

/* A ticket for a project of the caller's, found by its id or its slug (the other is NULL). The row
 * is (slug, expiry). */
static int make_ticket(struct app *app, const char *user_id, const char *project_id,
		       const char *slug, const char *path, char ret_ticket[TICKET_TEXT_BYTES],
		       struct db_result **ret, struct err *e)
{
	auto_db_result r = NULL;
	char hash[TOKEN_HASH_HEX];

	token_new(TICKET_PREFIX, ret_ticket, TICKET_TEXT_BYTES);
	token_hash(ret_ticket, hash);
	if (db_query(app->db,
		     "WITH p AS (SELECT id, slug FROM projects WHERE user_id = $1::uuid"
		     " AND deleted_at IS NULL AND (id = $2::uuid OR slug = $3)),"
		     " t AS (INSERT INTO preview_tickets (hash, project_id, user_id, path,"
		     " expires_at) SELECT $4, p.id, $1::uuid, $5, now() + " TICKET_LIFE " FROM p"
		     " RETURNING expires_at)"
		     " SELECT p.slug, " SQL_TIME("t.expires_at") " FROM p, t",
		     DB_ARGS(db_text(user_id), db_text(project_id), db_text(slug), db_text(hash),
			     db_text(path)),
		     &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) {
		return err_set(e, ERR_NOT_FOUND, "there is no such project");
	}
	*ret = steal_ptr(r);
	return 0;
}

int preview_ticket_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct ticket_body body = {.path = "/"};
	char ticket[TICKET_TEXT_BYTES], url[PREVIEW_PART_BYTES * 2];
	auto_json *object = NULL;
	auto_json *answer = NULL;
	auto_db_result r = NULL;
	struct preview_base base;
	const char *id;

	if (request_uuid(rq, 0, &id, e) < 0 || request_json(rq, &object, e) < 0 ||
	    json_read(object, preview_ticket_fields, ARRAY_LEN(preview_ticket_fields), &body, e) <
		    0 ||
	    check_path(body.path, e) < 0 ||
	    make_ticket(app, rq->user.id, id, NULL, body.path, ticket, &r, e) < 0) {
		return -1;
	}
	preview_base_of(app->config, &base);
	(void)snprintf(url, sizeof(url), "%s%s%s" ENTER "%s", base.before, db_get(r, 0, 0),
		       base.after, ticket);
	answer = json_pack("{s:s, s:s}", "url", url, "expires_at", db_get(r, 0, 1));
	if (!answer) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return response_json(rs, 201, answer, e);
}

/* A page of an app must not open other previews inside itself by its visitor's sign-in. */
static int check_navigation(const struct request *rq, struct err *e)
{
	const char *mode = request_header(rq, "Sec-Fetch-Mode");

	if (mode && (strcmp(mode, "navigate") != 0 || way_in_framed(rq))) {
		return err_set(e, ERR_UNAUTHENTICATED,
			       "open this address in a tab of its own, not from within a page");
	}
	return 0;
}

int preview_open_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	char to[PREVIEW_PATH_MAX + 1] = "/", ticket[TICKET_TEXT_BYTES];
	char url[PREVIEW_PART_BYTES * 2];
	struct preview_label label;
	struct preview_base base;
	auto_db_result r = NULL;

	if (request_query(rq, "to", to, sizeof(to), e) < 0 || check_path(to, e) < 0) {
		return -1;
	}
	if (!preview_label_parse(rq->params[0], &label)) {
		return err_set(e, ERR_NOT_FOUND, "there is no such preview");
	}
	if (check_navigation(rq, e) < 0 ||
	    make_ticket(app, rq->user.id, NULL, label.slug, to, ticket, &r, e) < 0) {
		return -1;
	}
	preview_base_of(app->config, &base);
	(void)snprintf(url, sizeof(url), "%s%s%s", base.before, label.text, base.after);
	(void)snprintf(to, sizeof(to), ENTER "%s", ticket);
	return way_in_redirect(rs, url, to, e);
}

/* Whoever came with a ticket that lets nobody in. */
static int refuse_ticket(struct app *app, const struct request *rq, struct response *rs,
			 const struct preview_label *label, struct err *e)
{
	char public_url[PREVIEW_PART_BYTES], link[PREVIEW_PART_BYTES * 2];
	struct page_text p = {
		.status = 403,
		.title = "This way in is used up",
		.message = "An address like this one lets one browser in, once, within a minute. "
			   "If the preview is yours, open it again.",
		.link_url = link,
		.link_text = "Open it again",
		.in_frame = way_in_framed(rq),
	};

	public_url_of(app->config, public_url);
	(void)snprintf(link, sizeof(link), "%s/api/v1/previews/%s/open?to=/", public_url,
		       label->text);
	return page_respond_html(app, rs, &p, e);
}

static int not_for_machines(struct app *app, struct response *rs, enum visitor visitor,
			    struct err *e)
{
	const struct page_text p = {
		.status = visitor == VISITOR_PREFETCH ? 503 : 403,
		.title = "This preview is private",
		.message = "This address lets its owner's browser in. It is not for programs that "
			   "fetch links ahead or make previews of them.",
	};

	return page_respond_html(app, rs, &p, e);
}

/* Consumed by one statement: of two browsers with one ticket, one gets in. */
static int consume(struct app *app, const char *ticket, const char *slug, struct db_result **ret,
		   struct err *e)
{
	char hash[TOKEN_HASH_HEX];

	token_hash(ticket, hash);
	return db_query(app->db,
			"UPDATE preview_tickets t SET used_at = now() FROM projects p, users u"
			" WHERE t.hash = $1 AND t.used_at IS NULL AND t.expires_at > now()"
			" AND p.id = t.project_id AND p.slug = $2 AND p.deleted_at IS NULL"
			" AND u.id = t.user_id AND u.id = p.user_id AND u.deleted_at IS NULL"
			" RETURNING p.id, u.id, t.path",
			DB_ARGS(db_text(hash), db_text(slug)), ret, e);
}

int preview_enter_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct grant g = {.level = GRANT_OWNER};
	enum visitor visitor = visitor_of(rq);
	char ticket[TICKET_TEXT_BYTES] = "";
	struct preview_label label;
	auto_db_result r = NULL;
	struct err ignored;

	if (way_in_label(app, rq, &label, e) < 0) {
		return -1;
	}
	if (visitor != VISITOR_PERSON || strcmp(rq->method, "HEAD") == 0) {
		return not_for_machines(app, rs, visitor, e);
	}
	/* What cannot be one of ours is none. */
	if (request_query(rq, "ticket", ticket, sizeof(ticket), &ignored) != 1) {
		return refuse_ticket(app, rq, rs, &label, e);
	}
	if (consume(app, ticket, label.slug, &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1 || !preview_path_ok(db_get(r, 0, 2))) {
		return refuse_ticket(app, rq, rs, &label, e);
	}
	(void)snprintf(g.project_id, sizeof(g.project_id), "%s", db_get(r, 0, 0));
	(void)snprintf(g.subject, sizeof(g.subject), "%s", db_get(r, 0, 1));
	return way_in_open(app, rs, &g, WAY_IN_S, db_get(r, 0, 2), e);
}
