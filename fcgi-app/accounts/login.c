#include "accounts/account.h"
#include "accounts/handlers.h"
#include "accounts/password.h"
#include "config.h"
#include "db.h"
#include "http/authn.h"
#include "projects/sql.h"
#include "token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SESSION_TEXT_BYTES 64

struct login_body {
	const char *email, *password;
};

const struct json_field login_fields[2] = {
	{"email", JSON_FIELD_STRING, true, false, 1, EMAIL_MAX_BYTES,
	 offsetof(struct login_body, email), NULL, NULL},
	{"password", JSON_FIELD_STRING, true, false, 1, PASSWORD_MAX_BYTES,
	 offsetof(struct login_body, password), NULL, NULL},
};

struct account {
	char id[UUID_TEXT_BYTES]; /* "" when there is none of that address */
	char hash[PASSWORD_HASH_BYTES];
	int64_t locked_s;
};

static int find_account(struct app *app, const char *email, struct account *ret, struct err *e)
{
	auto_db_result r = NULL;

	*ret = (struct account){0};
	if (db_query(app->db,
		     "SELECT u.id, u.password_hash, " SQL_LOCKED_S
		     " FROM (VALUES ($1::text)) AS asked (email)"
		     " LEFT JOIN users u ON u.email = asked.email AND u.deleted_at IS NULL"
		     " LEFT JOIN password_failures f ON f.email = asked.email",
		     DB_ARGS(db_text(email)), &r, e) < 0) {
		return -1;
	}
	(void)snprintf(ret->id, sizeof(ret->id), "%s", db_get(r, 0, 0));
	(void)snprintf(ret->hash, sizeof(ret->hash), "%s", db_get(r, 0, 1));
	ret->locked_s = db_get_int(r, 0, 2);
	return 0;
}

/* One statement and no wait for the disk: what a crash could lose is one sign-in. */
static int store_session(struct app *app, const struct request *rq, const char *user_id,
			 const char *token, struct db_result **ret_account, struct err *e)
{
	char hash[TOKEN_HASH_HEX];

	token_hash(token, hash);
	return db_query(app->db,
			"WITH unlocked AS (DELETE FROM password_failures"
			" WHERE email = (SELECT email FROM users WHERE id = $1::uuid)),"
			" session AS (INSERT INTO sessions (user_id, hash, expires_at)"
			" VALUES ($1::uuid, $2, now() + interval '1 day' * $3::int)),"
			" audit AS (INSERT INTO audit_log (user_id, action, address)"
			" VALUES ($1::uuid, 'login', $4))"
			" SELECT " SQL_USER_JSON ", set_config('synchronous_commit', 'off', true)"
			" FROM users WHERE id = $1::uuid",
			DB_ARGS(db_text(user_id), db_text(hash),
				db_int(config_int(app->config, CFG_SESSION_DAYS)),
				db_text(rq->remote_addr)),
			ret_account, e);
}

/* Over plain http (localhost) both: browsers that refuse Secure there keep the other one. */
static void set_cookies(struct response *rs, const struct request *rq, const char *token,
			int64_t max_age_s)
{
	char value[256];

	(void)snprintf(value, sizeof(value),
		       SESSION_COOKIE "=%s; Path=/; Max-Age=%" PRId64
				      "; Secure; HttpOnly; SameSite=Lax",
		       token, max_age_s);
	response_header(rs, "Set-Cookie", value);
	if (!rq->https) {
		(void)snprintf(value, sizeof(value),
			       SESSION_COOKIE_PLAIN "=%s; Path=/; Max-Age=%" PRId64
						    "; HttpOnly; SameSite=Lax",
			       token, max_age_s);
		response_header(rs, "Set-Cookie", value);
	}
}

int login_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct login_body body;
	struct account account;
	auto_json *object = NULL;
	auto_db_result user = NULL;
	char email[EMAIL_MAX_BYTES + 1], token[SESSION_TEXT_BYTES];

	if (request_json(rq, &object, e) < 0 || json_read(object, login_fields, 2, &body, e) < 0 ||
	    account_email(body.email, email, e) < 0 || find_account(app, email, &account, e) < 0) {
		return -1;
	}
	if (account.locked_s > 0) {
		return account_locked(rs, account.locked_s, e);
	}
	if (!password_verify(account.hash, body.password)) {
		if (account_wrong_password(app->db, email, account.id, "login_failed",
					   rq->remote_addr, e) < 0) {
			return -1;
		}
		return err_set(e, ERR_UNAUTHENTICATED, "email or password is wrong");
	}
	token_new(SESSION_PREFIX, token, sizeof(token));
	if (store_session(app, rq, account.id, token, &user, e) < 0) {
		return -1;
	}
	set_cookies(rs, rq, token, config_int(app->config, CFG_SESSION_DAYS) * 24 * 3600);
	return response_json_text(rs, 200, db_get(user, 0, 0), e);
}

int logout_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	if (rq->user.by_cookie && db_query(app->db, "DELETE FROM sessions WHERE id = $1",
					   DB_ARGS(db_text(rq->user.credential_id)), NULL, e) < 0) {
		return -1;
	}
	set_cookies(rs, rq, "", 0);
	return response_empty(rs, 204, e);
}
