#include "accounts/account.h"
#include "accounts/handlers.h"
#include "db.h"
#include "projects/page.h"
#include "projects/sql.h"

#define KEYS_MAX 100 /* of one user */

struct key_body {
	const char *name;
};

const struct json_field api_key_create_fields[1] = {
	{"name", JSON_FIELD_STRING, true, false, 1, 100, offsetof(struct key_body, name), NULL,
	 NULL},
};

int api_keys_list(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;
	struct page_query page;

	if (page_of_request(rq, 2, &page, e) < 0) {
		return -1;
	}
	if (db_query(app->db,
		     "SELECT json_build_object('id', id, 'name', name, 'prefix', prefix,"
		     " 'created_at', " SQL_TIME("created_at") ", 'last_used_at', " SQL_TIME(
			     "last_used_at") ")::text, created_at, id FROM api_keys"
					     " WHERE user_id = $1"
					     " AND ($2::timestamptz IS NULL OR (created_at, id) > "
					     "($2::timestamptz, $3::uuid))"
					     " ORDER BY api_keys.created_at, id LIMIT $4",
		     DB_ARGS(db_text(rq->user.id), db_text(page.after.keys[0]),
			     db_text(page.after.keys[1]), db_int(page.limit + 1)),
		     &r, e) < 0) {
		return page_query_failed(&page, e);
	}
	return page_respond(rs, r, page.limit, 2, e);
}

/* Two requests at once may make one more than that: no harm. */
static int check_count(struct app *app, const struct request *rq, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db, "SELECT count(*) FROM api_keys WHERE user_id = $1",
		     DB_ARGS(db_text(rq->user.id)), &r, e) < 0) {
		return -1;
	}
	if (db_get_int(r, 0, 0) >= KEYS_MAX) {
		return err_set(e, ERR_UNPROCESSABLE, "you have %d API keys; delete one first",
			       KEYS_MAX);
	}
	return 0;
}

int api_keys_create(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	char key[API_KEY_TEXT_BYTES], id[UUID_TEXT_BYTES];
	auto_json *object = NULL;
	auto_db_result r = NULL;
	struct key_body body;

	if (request_json(rq, &object, e) < 0 ||
	    json_read(object, api_key_create_fields, 1, &body, e) < 0 ||
	    check_count(app, rq, e) < 0 || db_begin(app->db, e) < 0 ||
	    account_new_key(app->db, rq->user.id, body.name, key, id, e) < 0 ||
	    account_audit(app->db, rq->user.id, "api_key_created", id, rq->remote_addr, "{}", e) <
		    0 ||
	    db_commit(app->db, e) < 0 ||
	    db_query(app->db,
		     "SELECT json_build_object('id', id, 'name', name, 'prefix', prefix, 'key',"
		     " $2::text, 'created_at', " SQL_TIME("created_at") ")::text FROM api_keys"
									" WHERE id = $1",
		     DB_ARGS(db_text(id), db_text(key)), &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) {
		return err_set(e, ERR_CONFLICT, "the key was deleted at once");
	}
	return response_json_text(rs, 201, db_get(r, 0, 0), e);
}

int api_key_delete(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;
	const char *id;

	if (request_uuid(rq, 0, &id, e) < 0 ||
	    db_query(app->db, "DELETE FROM api_keys WHERE id = $1 AND user_id = $2",
		     DB_ARGS(db_text(id), db_text(rq->user.id)), &r, e) < 0) {
		return -1;
	}
	if (db_affected(r) != 1) {
		return err_set(e, ERR_NOT_FOUND, "there is no such API key");
	}
	if (account_audit(app->db, rq->user.id, "api_key_deleted", id, rq->remote_addr, "{}", e) <
	    0) {
		return -1;
	}
	return response_empty(rs, 204, e);
}
