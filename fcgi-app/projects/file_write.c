#include "cleanup.h"
#include "db.h"
#include "json.h"
#include "path.h"
#include "projects/etag.h"
#include "projects/handlers.h"
#include "projects/versions.h"
#include "token.h"

#include <stdio.h>
#include <string.h>

#define TRIES 5 /* against others who write to the same project */

/* A file as the head of the caller's project has it. */
struct head_file {
	char project_id[UUID_TEXT_BYTES];
	int64_t head_version;
	bool exists;
	char sha256[65];
	int mode;
	char etag[ETAG_BYTES];
};

static int read_head(struct app *app, const struct request *rq, const char *path,
		     struct head_file *ret, struct err *e)
{
	auto_db_result r = NULL;
	const char *id;

	if (request_uuid(rq, 0, &id, e) ||
	    db_query(app->db,
		     "SELECT p.id, p.head_version, f.sha256, f.mode, f.changed_in FROM projects p"
		     " LEFT JOIN version_files f ON f.project_id = p.id AND f.n = p.head_version"
		     " AND f.path = $3"
		     " WHERE p.id = $1 AND p.user_id = $2 AND p.deleted_at IS NULL",
		     DB_ARGS(db_text(id), db_text(rq->user.id), db_text(path)), &r, e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such project");
	}
	*ret = (struct head_file){
		.head_version = db_get_int(r, 0, 1),
		.exists = !db_is_null(r, 0, 2),
		.mode = db_is_null(r, 0, 2) ? 0644 : (int)db_get_int(r, 0, 3),
	};
	snprintf(ret->project_id, sizeof(ret->project_id), "%s", db_get(r, 0, 0));
	snprintf(ret->sha256, sizeof(ret->sha256), "%s", db_get(r, 0, 2));
	if (ret->exists) {
		etag_write(db_get_int(r, 0, 4), ret->etag);
	}
	return 0;
}

/* One version with one change. A condition was checked against a head: it must still be that one.
 */
static int write_version(struct app *app, const struct request *rq, const struct head_file *file,
			 const struct file_change *change, int64_t *ret_n, struct err *e)
{
	char message[PATH_MAX_BYTES + 16];
	const struct version_meta meta = {
		.kind = "edit",
		.author_id = rq->user.id,
		.message = message,
	};

	snprintf(message, sizeof(message), "%s %s",
		 change->bytes ? file->exists ? "Edit" : "Add" : "Delete", change->path);
	return version_create(app, file->project_id,
			      etag_has_condition(rq) || !change->bytes ? file->head_version : -1,
			      change, 1, &meta, ret_n, e);
}

static int answer_put(struct response *rs, int status, int64_t version, const char *path,
		      size_t len, const char *etag, struct err *e)
{
	auto_json *answer = json_pack("{s:I,s:s,s:I,s:s}", "version", (json_int_t)version, "path",
				      path, "size", (json_int_t)len, "etag", etag);

	if (!answer) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	response_header(rs, "ETag", etag);
	return response_json(rs, status, answer, e);
}

/* Saving what is there already makes no version. */
static int put_once(struct app *app, const struct request *rq, struct response *rs,
		    const char *sha256, struct err *e)
{
	const char *path = rq->params[1];
	struct file_change change = {.path = path, .bytes = rq->body, .len = rq->body_len};
	struct head_file file;
	int64_t n;

	if (read_head(app, rq, path, &file, e) ||
	    etag_check_write(rq, file.exists ? file.etag : NULL, e)) {
		return -1;
	}
	if (file.exists && !strcmp(file.sha256, sha256)) {
		return answer_put(rs, 200, file.head_version, path, change.len, file.etag, e);
	}
	change.mode = file.mode;
	if (write_version(app, rq, &file, &change, &n, e)) {
		return -1;
	}
	etag_write(n, file.etag);
	return answer_put(rs, file.exists ? 200 : 201, n, path, change.len, file.etag, e);
}

int file_put(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	char sha256[65];
	int rc = -1;

	if (path_check(rq->params[1], strlen(rq->params[1]), e)) {
		return -1;
	}
	sha256_hex(rq->body, rq->body_len, sha256);
	for (int i = 0; i < TRIES && rc; i++) {
		rc = put_once(app, rq, rs, sha256, e);
		if (rc && e->kind != ERR_CONFLICT) {
			break;
		}
	}
	return rc;
}

static int delete_once(struct app *app, const struct request *rq, int64_t *ret_n, struct err *e)
{
	const struct file_change change = {.path = rq->params[1]};
	struct head_file file;

	if (read_head(app, rq, change.path, &file, e)) {
		return -1;
	}
	if (!file.exists) {
		return err_set(e, ERR_NOT_FOUND, "there is no such file");
	}
	if (etag_check_write(rq, file.etag, e)) {
		return -1;
	}
	return write_version(app, rq, &file, &change, ret_n, e);
}

int file_delete(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *answer = NULL;
	int64_t n = 0;
	int rc = -1;

	if (path_check(rq->params[1], strlen(rq->params[1]), e)) {
		return -1;
	}
	for (int i = 0; i < TRIES && rc; i++) {
		rc = delete_once(app, rq, &n, e);
		if (rc && e->kind != ERR_CONFLICT) {
			return -1;
		}
	}
	if (rc) {
		return -1;
	}
	answer = json_pack("{s:I,s:s}", "version", (json_int_t)n, "path", rq->params[1]);
	if (!answer) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return response_json(rs, 200, answer, e);
}
