/* A share link as its visitor meets it, on the preview's own host. */

#include "accounts/account.h"
#include "accounts/password.h"
#include "cleanup.h"
#include "config.h"
#include "db.h"
#include "previews/form.h"
#include "previews/handlers.h"
#include "previews/page.h"
#include "previews/preview_url.h"
#include "previews/visitor.h"
#include "previews/way_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LOCK_NAME_BYTES (UUID_TEXT_BYTES + 8)

struct share {
	char id[UUID_TEXT_BYTES]; /* "": there is none */
	char project_id[UUID_TEXT_BYTES];
	char password_hash[PASSWORD_HASH_BYTES]; /* "": none */
	bool revoked, expired;
	int64_t locked_s;
};

/* Wrong passwords of a share are counted where those of accounts are. No email is like this. */
static void lock_name(const char *share_id, char ret[LOCK_NAME_BYTES])
{
	(void)snprintf(ret, LOCK_NAME_BYTES, "share:%s", share_id);
}

/* The share of the token, if it is one of the preview at this host. */
static int find_share(struct app *app, const struct request *rq, struct share *ret, struct err *e)
{
	unsigned char key[GRANT_KEY_BYTES];
	char id[UUID_TEXT_BYTES], lock[LOCK_NAME_BYTES];
	struct preview_label label;
	auto_db_result r = NULL;
	struct err unknown;

	*ret = (struct share){0};
	if (way_in_label(app, rq, &label, e) < 0 || way_in_key(app, key, e) < 0) {
		return -1;
	}
	if (grant_share_id(key, rq->params[0], id, &unknown) < 0) {
		return 0;
	}
	lock_name(id, lock);
	if (db_query(app->db,
		     "SELECT s.id, p.id, s.password_hash, s.revoked_at IS NOT NULL,"
		     " coalesce(s.expires_at <= now(), false), " SQL_LOCKED_S
		     " FROM shares s JOIN projects p ON p.id = s.project_id"
		     " LEFT JOIN password_failures f ON f.email = $3"
		     " WHERE s.id = $1 AND p.slug = $2 AND p.deleted_at IS NULL",
		     DB_ARGS(db_text(id), db_text(label.slug), db_text(lock)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) == 1) {
		(void)snprintf(ret->id, sizeof(ret->id), "%s", db_get(r, 0, 0));
		(void)snprintf(ret->project_id, sizeof(ret->project_id), "%s", db_get(r, 0, 1));
		(void)snprintf(ret->password_hash, sizeof(ret->password_hash), "%s",
			       db_get(r, 0, 2));
		ret->revoked = db_get_bool(r, 0, 3);
		ret->expired = db_get_bool(r, 0, 4);
		ret->locked_s = db_get_int(r, 0, 5);
	}
	return 0;
}

/* True when the link leads nowhere any more. */
static bool is_dead(const struct share *s)
{
	return s->id[0] == '\0' || s->revoked || s->expired;
}

static int respond_dead(struct app *app, struct response *rs, const struct share *s, struct err *e)
{
	struct page_text p = {
		.status = 404,
		.title = "This link leads nowhere",
		.message = "It is not complete, or what it showed is gone. Copy the whole link, or "
			   "ask whoever sent it to you for a new one.",
	};

	if (s->revoked) {
		p.status = 410;
		p.title = "This link was withdrawn";
		p.message = "Whoever shared the preview has closed this link. Ask them for a new "
			    "one.";
	} else if (s->expired) {
		p.status = 410;
		p.title = "This link has expired";
		p.message = "It was made for a limited time. Ask whoever sent it to you for a new "
			    "one.";
	}
	return page_respond_html(app, rs, &p, e);
}

static int ask_password(struct app *app, const struct request *rq, struct response *rs, int status,
			const char *problem, struct err *e)
{
	const struct page_text p = {
		.status = status,
		.title = "A preview was shared with you",
		.message = "It opens with a password. Whoever sent you the link knows it.",
		.form_action = rq->path,
		.asks_password = true,
		.problem = problem,
	};

	return page_respond_html(app, rs, &p, e);
}

/* For what makes previews of links: what it is, and a way in that only somebody would take. */
static int offer_button(struct app *app, const struct request *rq, struct response *rs,
			struct err *e)
{
	const struct page_text p = {
		.status = 200,
		.title = "A preview was shared with you",
		.message = "It is an app in the making. Open it to see how far it is.",
		.form_action = rq->path,
	};

	return page_respond_html(app, rs, &p, e);
}

static int refuse_prefetch(struct app *app, struct response *rs, struct err *e)
{
	const struct page_text p = {
		.status = 503,
		.title = "Nothing is loaded ahead here",
		.message = "Open the link to see the preview.",
	};

	return page_respond_html(app, rs, &p, e);
}

/* Counts the opening and lets the browser in, for as long as the link lasts at most. */
static int let_in(struct app *app, struct response *rs, struct share *s, struct err *e)
{
	struct grant g = {.level = GRANT_SHARE};
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "UPDATE shares SET opens = opens + 1, last_opened_at = now()"
		     " WHERE id = $1 AND revoked_at IS NULL"
		     " AND (expires_at IS NULL OR expires_at > now())"
		     " RETURNING ceil(extract(epoch FROM least("
		     "  interval '1 second' * $2::bigint, expires_at - now())))::bigint",
		     DB_ARGS(db_text(s->id), db_int(WAY_IN_S)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) { /* it died a moment ago */
		s->revoked = true;
		return respond_dead(app, rs, s, e);
	}
	memcpy(g.project_id, s->project_id, sizeof(g.project_id));
	memcpy(g.subject, s->id, sizeof(g.subject));
	return way_in_open(app, rs, &g, db_get_int(r, 0, 0), "/", e);
}

int share_open_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	enum visitor visitor = visitor_of(rq);
	struct share s;

	if (visitor == VISITOR_PREFETCH) {
		return refuse_prefetch(app, rs, e);
	}
	if (find_share(app, rq, &s, e) < 0) {
		return -1;
	}
	if (is_dead(&s)) {
		return respond_dead(app, rs, &s, e);
	}
	if (s.password_hash[0]) {
		return ask_password(app, rq, rs, 200, NULL, e);
	}
	if (visitor == VISITOR_BOT || strcmp(rq->method, "HEAD") == 0) {
		return offer_button(app, rq, rs, e);
	}
	return let_in(app, rs, &s, e);
}

/* Our own page says "same-origin", or, where browsers do not speak of it, this host as its Origin
 * or "null" (it sends no referrer). */
static int check_own_page(const struct request *rq, struct err *e)
{
	const char *site = request_header(rq, "Sec-Fetch-Site");
	const char *origin = request_header(rq, "Origin");
	const char *host = request_header(rq, "Host");
	const char *named;

	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) {
		return err_set(e, ERR_FORBIDDEN, "this form is not taken from other sites");
	}
	if (site || !origin || strcmp(origin, "null") == 0) {
		return 0;
	}
	named = strstr(origin, "://");
	if (!host || !named || strcasecmp(named + 3, host) != 0) {
		return err_set(e, ERR_FORBIDDEN, "this form is not taken from other sites");
	}
	return 0;
}

static int respond_locked(struct app *app, const struct request *rq, struct response *rs,
			  int64_t seconds, struct err *e)
{
	char text[24], problem[80];

	(void)snprintf(text, sizeof(text), "%" PRId64, seconds);
	(void)snprintf(problem, sizeof(problem),
		       "Too many wrong passwords. Try again in %s seconds.", text);
	response_header(rs, "Retry-After", text);
	return ask_password(app, rq, rs, 429, problem, e);
}

/* A password was sent. 1: it is right; 0: answered already. */
static int check_password(struct app *app, const struct request *rq, struct response *rs,
			  const struct share *s, struct err *e)
{
	char password[PASSWORD_MAX_BYTES + 1] = "", lock[LOCK_NAME_BYTES];
	struct err unreadable;

	if (s->locked_s > 0) {
		return respond_locked(app, rq, rs, s->locked_s, e);
	}
	lock_name(s->id, lock);
	/* What cannot be a password is a wrong one. */
	if (form_field(rq->body, rq->body_len, "password", password, sizeof(password),
		       &unreadable) != 1 ||
	    !password_verify(s->password_hash, password)) {
		if (account_wrong_password(app->db, lock, "", "share_password_wrong",
					   rq->remote_addr, e) < 0) {
			return -1;
		}
		return ask_password(app, rq, rs, 401, "That is not the password.", e);
	}
	return db_query(app->db, "DELETE FROM password_failures WHERE email = $1",
			DB_ARGS(db_text(lock)), NULL, e) < 0
		       ? -1
		       : 1;
}

int share_open_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct share s;
	int rc = 1;

	if (form_check_type(rq, e) < 0 || check_own_page(rq, e) < 0 ||
	    find_share(app, rq, &s, e) < 0) {
		return -1;
	}
	if (is_dead(&s)) {
		return respond_dead(app, rs, &s, e);
	}
	if (s.password_hash[0]) {
		rc = check_password(app, rq, rs, &s, e);
	}
	return rc == 1 ? let_in(app, rs, &s, e) : rc;
}
