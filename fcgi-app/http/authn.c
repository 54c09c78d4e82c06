#include "http/authn.h"

#include "db.h"
#include "http/cookie.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TOKEN_MAX_BYTES 128

static void take_user(const struct db_result *r, struct user *ret)
{
	snprintf(ret->credential_id, sizeof(ret->credential_id), "%s", db_get(r, 0, 0));
	snprintf(ret->id, sizeof(ret->id), "%s", db_get(r, 0, 1));
	snprintf(ret->email, sizeof(ret->email), "%s", db_get(r, 0, 2));
	ret->is_owner = db_get_bool(r, 0, 3);
}

static int by_key(struct app *app, const char *key, struct user *ret, struct err *e)
{
	auto_db_result r = NULL;
	char hash[TOKEN_HASH_HEX];

	token_hash(key, hash);
	if (db_query(app->db,
		     "SELECT k.id, u.id, u.email, u.role = 'owner',"
		     " k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute'"
		     " FROM api_keys k JOIN users u ON u.id = k.user_id"
		     " WHERE k.hash = $1 AND u.deleted_at IS NULL",
		     DB_ARGS(db_text(hash)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) {
		return err_set(e, ERR_UNAUTHENTICATED, "this API key is not known (any more)");
	}
	take_user(r, ret);
	ret->by_cookie = false;
	if (db_get_bool(r, 0, 4)) {
		return db_query(app->db, "UPDATE api_keys SET last_used_at = now() WHERE id = $1",
				DB_ARGS(db_text(ret->credential_id)), NULL, e);
	}
	return 0;
}

static int by_session(struct app *app, const char *token, struct user *ret, struct err *e)
{
	auto_db_result r = NULL;
	char hash[TOKEN_HASH_HEX];

	token_hash(token, hash);
	if (db_query(app->db,
		     "SELECT s.id, u.id, u.email, u.role = 'owner'"
		     " FROM sessions s JOIN users u ON u.id = s.user_id"
		     " WHERE s.hash = $1 AND s.expires_at > now() AND u.deleted_at IS NULL",
		     DB_ARGS(db_text(hash)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) {
		return err_set(e, ERR_UNAUTHENTICATED, "this sign-in has ended; sign in again");
	}
	take_user(r, ret);
	ret->by_cookie = true;
	return 0;
}

bool authn_session_token(const struct request *rq, char *buf, size_t cap)
{
	const char *header = request_header(rq, "Cookie");

	if (!header) {
		return false;
	}
	return cookie_get(header, SESSION_COOKIE, buf, cap) ||
	       (!rq->https && cookie_get(header, SESSION_COOKIE_PLAIN, buf, cap));
}

int authn_request(struct app *app, struct request *rq, struct err *e)
{
	const char *authorization = request_header(rq, "Authorization");
	char token[TOKEN_MAX_BYTES];

	if (authorization && authorization[0] != '\0') {
		const char *key = authorization + strcspn(authorization, " ");

		key += strspn(key, " ");
		if (strncasecmp(authorization, "Bearer ", 7) != 0 ||
		    strncmp(key, API_KEY_PREFIX, strlen(API_KEY_PREFIX)) != 0 ||
		    strlen(key) >= TOKEN_MAX_BYTES) {
			return err_set(e, ERR_UNAUTHENTICATED,
				       "send the API key as Authorization: Bearer %s…",
				       API_KEY_PREFIX);
		}
		return by_key(app, key, &rq->user, e);
	}
	if (authn_session_token(rq, token, sizeof(token))) {
		return by_session(app, token, &rq->user, e);
	}
	return err_set(e, ERR_UNAUTHENTICATED,
		       "send an API key as Authorization: Bearer %s…, or sign in", API_KEY_PREFIX);
}
