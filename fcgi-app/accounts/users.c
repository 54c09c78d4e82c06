#include "accounts/account.h"
#include "accounts/handlers.h"
#include "accounts/password.h"
#include "db.h"
#include "projects/page.h"
#include "projects/sql.h"

#include <string.h>

static const char *const roles[] = {"owner", "member", NULL};

/* Of POST and PATCH; NULL: not given. */
struct user_body {
	const char *email, *password, *role;
};

const struct json_field user_create_fields[3] = {
	{"email", JSON_FIELD_STRING, true, false, 3, EMAIL_MAX_BYTES,
	 offsetof(struct user_body, email), NULL, NULL},
	{"password", JSON_FIELD_STRING, true, false, PASSWORD_MIN_BYTES, PASSWORD_MAX_BYTES,
	 offsetof(struct user_body, password), NULL, NULL},
	{"role", JSON_FIELD_STRING, false, false, 0, 10, offsetof(struct user_body, role), roles,
	 NULL},
};

const struct json_field user_patch_fields[3] = {
	{"email", JSON_FIELD_STRING, false, false, 3, EMAIL_MAX_BYTES,
	 offsetof(struct user_body, email), NULL, NULL},
	{"password", JSON_FIELD_STRING, false, false, PASSWORD_MIN_BYTES, PASSWORD_MAX_BYTES,
	 offsetof(struct user_body, password), NULL, NULL},
	{"role", JSON_FIELD_STRING, false, false, 0, 10, offsetof(struct user_body, role), roles,
	 NULL},
};

int users_list(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;
	struct page_query page;

	if (page_of_request(rq, 2, &page, e) < 0) {
		return -1;
	}
	if (db_query(app->db,
		     "SELECT " SQL_USER_JSON ", created_at, id FROM users"
		     " WHERE deleted_at IS NULL"
		     " AND ($1::timestamptz IS NULL OR (created_at, id) > ($1::timestamptz, "
		     "$2::uuid))"
		     " ORDER BY users.created_at, id LIMIT $3",
		     DB_ARGS(db_text(page.after.keys[0]), db_text(page.after.keys[1]),
			     db_int(page.limit + 1)),
		     &r, e) < 0) {
		return page_query_failed(&page, e);
	}
	return page_respond(rs, r, page.limit, 2, e);
}

static int respond_user(struct app *app, const char *id, int status, struct response *rs,
			struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT " SQL_USER_JSON " FROM users WHERE id = $1 AND deleted_at IS NULL",
		     DB_ARGS(db_text(id)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) {
		return err_set(e, ERR_NOT_FOUND, "there is no such user");
	}
	return response_json_text(rs, status, db_get(r, 0, 0), e);
}

static int email_taken(const struct app *app, struct err *e)
{
	if (e->kind == ERR_CONFLICT && strcmp(db_constraint(app->db), "users_email") == 0) {
		return err_set(e, ERR_CONFLICT, "there is a user with this email already");
	}
	return -1;
}

static int insert_user(struct app *app, const struct request *rq, const struct user_body *body,
		       char ret_id[UUID_TEXT_BYTES], struct err *e)
{
	char email[EMAIL_MAX_BYTES + 1], hash[PASSWORD_HASH_BYTES];
	auto_db_result r = NULL;

	if (account_email(body->email, email, e) < 0 ||
	    password_hash(body->password, hash, e) < 0 || db_begin(app->db, e) < 0) {
		return -1;
	}
	if (db_query(app->db,
		     "INSERT INTO users (email, password_hash, role) VALUES ($1, $2, $3) RETURNING "
		     "id",
		     DB_ARGS(db_text(email), db_text(hash), db_text(body->role)), &r, e) < 0) {
		return email_taken(app, e);
	}
	(void)snprintf(ret_id, UUID_TEXT_BYTES, "%s", db_get(r, 0, 0));
	/* Somebody may have tried the address before. */
	if (account_unlock(app->db, ret_id, e) < 0 ||
	    account_audit(app->db, rq->user.id, "user_created", ret_id, rq->remote_addr, "{}", e) <
		    0) {
		return -1;
	}
	return db_commit(app->db, e);
}

int users_create(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct user_body body = {.role = "member"};
	auto_json *object = NULL;
	char id[UUID_TEXT_BYTES];

	if (request_json(rq, &object, e) < 0 ||
	    json_read(object, user_create_fields, 3, &body, e) < 0 ||
	    insert_user(app, rq, &body, id, e) < 0) {
		return -1;
	}
	return respond_user(app, id, 201, rs, e);
}

int user_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	const char *id;

	if (request_uuid(rq, 0, &id, e) < 0) {
		return -1;
	}
	return respond_user(app, id, 200, rs, e);
}

/* Locks the owners, so that two requests cannot each take away the other's last one. Call in a
 * transaction, before `id` loses its role or its account. */
static int keep_an_owner(struct app *app, const char *id, struct err *e)
{
	auto_db_result r = NULL;
	bool is_owner = false;

	if (db_query(app->db,
		     "SELECT id = $1 FROM users WHERE role = 'owner' AND deleted_at IS NULL"
		     " ORDER BY id FOR UPDATE",
		     DB_ARGS(db_text(id)), &r, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		is_owner = is_owner || db_get_bool(r, i, 0);
	}
	if (is_owner && db_rows(r) == 1) {
		return err_set(e, ERR_CONFLICT,
			       "this is the last owner; make another user owner first");
	}
	return 0;
}

static int update_user(struct app *app, const char *id, const struct user_body *body,
		       const char *hash, struct err *e)
{
	auto_db_result r = NULL;

	if (body->role && strcmp(body->role, "owner") != 0 && keep_an_owner(app, id, e) < 0) {
		return -1;
	}
	if (db_query(app->db,
		     "UPDATE users SET email = coalesce($2, email), role = coalesce($3, role),"
		     " password_hash = coalesce($4, password_hash)"
		     " WHERE id = $1 AND deleted_at IS NULL",
		     DB_ARGS(db_text(id), db_text(body->email), db_text(body->role), db_text(hash)),
		     &r, e) < 0) {
		return email_taken(app, e);
	}
	if (db_affected(r) != 1) {
		return err_set(e, ERR_NOT_FOUND, "there is no such user");
	}
	if (!hash) {
		return 0;
	}
	if (account_unlock(app->db, id, e) < 0) {
		return -1;
	}
	return db_query(app->db, "DELETE FROM sessions WHERE user_id = $1", DB_ARGS(db_text(id)),
			NULL, e);
}

int user_patch(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	struct user_body body = {0};
	auto_json *object = NULL;
	char email[EMAIL_MAX_BYTES + 1], hash[PASSWORD_HASH_BYTES];
	const char *id;

	if (request_uuid(rq, 0, &id, e) < 0 || request_json(rq, &object, e) < 0 ||
	    json_read(object, user_patch_fields, 3, &body, e) < 0) {
		return -1;
	}
	if (body.email) {
		if (account_email(body.email, email, e) < 0) {
			return -1;
		}
		body.email = email;
	}
	if (body.password && password_hash(body.password, hash, e) < 0) {
		return -1;
	}
	if (db_begin(app->db, e) < 0 ||
	    update_user(app, id, &body, body.password ? hash : NULL, e) < 0 ||
	    account_audit(app->db, rq->user.id, "user_changed", id, rq->remote_addr, "{}", e) < 0 ||
	    db_commit(app->db, e) < 0) {
		return -1;
	}
	return respond_user(app, id, 200, rs, e);
}

/* The row stays, for the audit log; projects are purged a week later (janitor.c), sandboxes by
 * sandboxd at its next reconcile. */
static int delete_user(struct app *app, const char *id, struct err *e)
{
	static const char *const statements[] = {
		"DELETE FROM sessions WHERE user_id = $1",
		"DELETE FROM api_keys WHERE user_id = $1",
		("UPDATE generations SET cancel_requested = true"
		 " WHERE user_id = $1 AND state = 'running'"),
		"UPDATE projects SET deleted_at = now() WHERE user_id = $1 AND deleted_at IS NULL",
		"UPDATE sandboxes SET desired_state = 'removed' WHERE user_id = $1",
	};
	auto_db_result r = NULL;

	if (keep_an_owner(app, id, e) < 0 ||
	    db_query(app->db,
		     "UPDATE users SET deleted_at = now(), password_hash = NULL"
		     " WHERE id = $1 AND deleted_at IS NULL",
		     DB_ARGS(db_text(id)), &r, e) < 0) {
		return -1;
	}
	if (db_affected(r) != 1) {
		return err_set(e, ERR_NOT_FOUND, "there is no such user");
	}
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (db_query(app->db, statements[i], DB_ARGS(db_text(id)), NULL, e) < 0) {
			return -1;
		}
	}
	return 0;
}

int user_delete(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	const char *id;

	if (request_uuid(rq, 0, &id, e) < 0 || db_begin(app->db, e) < 0 ||
	    delete_user(app, id, e) < 0 ||
	    account_audit(app->db, rq->user.id, "user_deleted", id, rq->remote_addr, "{}", e) < 0 ||
	    db_commit(app->db, e) < 0) {
		return -1;
	}
	return response_empty(rs, 204, e);
}
