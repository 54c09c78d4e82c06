#include "accounts/account.h"
#include "accounts/handlers.h"
#include "accounts/password.h"
#include "db.h"
#include "projects/sql.h"

#include <stddef.h>

struct password_body {
	const char *current, *fresh;
};

const struct json_field me_password_fields[2] = {
	{"current_password", JSON_FIELD_STRING, true, false, 1, PASSWORD_MAX_BYTES,
	 offsetof(struct password_body, current), NULL, NULL},
	{"new_password", JSON_FIELD_STRING, true, false, PASSWORD_MIN_BYTES, PASSWORD_MAX_BYTES,
	 offsetof(struct password_body, fresh), NULL, NULL},
};

int me_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT " SQL_USER_JSON " FROM users WHERE id = $1 AND deleted_at IS NULL",
		     DB_ARGS(db_text(rq->user.id)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) {
		return err_set(e, ERR_UNAUTHENTICATED, "this account is gone");
	}
	return response_json_text(rs, 200, db_get(r, 0, 0), e);
}

static int check_current(struct app *app, const struct request *rq, const char *password,
			 struct response *rs, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT password_hash, " SQL_LOCKED_S
		     " FROM users LEFT JOIN password_failures USING (email) WHERE id = $1",
		     DB_ARGS(db_text(rq->user.id)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) == 1 && db_get_int(r, 0, 1) > 0) {
		return account_locked(rs, db_get_int(r, 0, 1), e);
	}
	if (db_rows(r) == 1 && password_verify(db_get(r, 0, 0), password)) {
		return 0;
	}
	if (account_wrong_password(app->db, rq->user.email, rq->user.id, "password_change_failed",
				   rq->remote_addr, e) < 0) {
		return -1;
	}
	return err_set(e, ERR_FORBIDDEN, "current_password is wrong");
}

/* Whoever else is signed in with the old password is not any more. */
static int change_password(struct app *app, const struct request *rq, const char *hash,
			   struct err *e)
{
	const char *kept = rq->user.by_cookie ? rq->user.credential_id : NULL;

	if (db_query(app->db, "UPDATE users SET password_hash = $2 WHERE id = $1",
		     DB_ARGS(db_text(rq->user.id), db_text(hash)), NULL, e) < 0 ||
	    account_unlock(app->db, rq->user.id, e) < 0 ||
	    db_query(app->db,
		     "DELETE FROM sessions WHERE user_id = $1 AND ($2::uuid IS NULL OR id <> $2)",
		     DB_ARGS(db_text(rq->user.id), db_text(kept)), NULL, e) < 0) {
		return -1;
	}
	return account_audit(app->db, rq->user.id, "password_changed", rq->user.id, rq->remote_addr,
			     "{}", e);
}

int me_password_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct password_body body;
	auto_json *object = NULL;
	char hash[PASSWORD_HASH_BYTES];

	if (request_json(rq, &object, e) < 0 ||
	    json_read(object, me_password_fields, 2, &body, e) < 0 ||
	    check_current(app, rq, body.current, rs, e) < 0 ||
	    password_hash(body.fresh, hash, e) < 0 || db_begin(app->db, e) < 0 ||
	    change_password(app, rq, hash, e) < 0 || db_commit(app->db, e) < 0) {
		return -1;
	}
	return response_empty(rs, 204, e);
}
