#include "cleanup.h"
#include "db.h"
#include "exec/sandbox.h"
#include "json.h"
#include "log.h"
#include "model/templates.h"
#include "projects/handlers.h"
#include "projects/projects.h"
#include "projects/slug.h"
#include "projects/sql.h"
#include "projects/text.h"
#include "projects/versions.h"
#include "strbuf.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_CHARS 100
#define NAME_MAX_BYTES (NAME_MAX_CHARS * 4)
#define SLUG_TRIES     5

static const char *const visibilities[] = {"private", "public", NULL};

struct project_body {
	const char *name;
	const char *template_id;
	const char *visibility;
};

const struct json_field project_create_fields[3] = {
	{.name = "name",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .min = 1,
	 .max = NAME_MAX_BYTES,
	 .offset = offsetof(struct project_body, name)},
	{.name = "template",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .min = 1,
	 .max = TEMPLATE_ID_MAX_BYTES,
	 .offset = offsetof(struct project_body, template_id)},
	{.name = "visibility",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .max = 16,
	 .one_of = visibilities,
	 .offset = offsetof(struct project_body, visibility)},
};

const struct json_field project_patch_fields[2] = {
	{.name = "name",
	 .type = JSON_FIELD_STRING,
	 .min = 1,
	 .max = NAME_MAX_BYTES,
	 .offset = offsetof(struct project_body, name)},
	{.name = "visibility",
	 .type = JSON_FIELD_STRING,
	 .max = 16,
	 .one_of = visibilities,
	 .offset = offsetof(struct project_body, visibility)},
};

/* The files of a template, in memory until they are a version: a template is small. */
struct template_tree {
	struct file_change changes[TEMPLATE_FILES_MAX];
	size_t n;
};

static void template_tree_fini(struct template_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free((void *)(uintptr_t)t->changes[i].path);
		free((void *)(uintptr_t)t->changes[i].bytes);
	}
	t->n = 0;
}

static int template_tree_add(void *ctx, const char *path, const void *bytes, size_t len, int mode,
			     struct err *e)
{
	struct template_tree *t = ctx;
	auto_free char *own_path = strdup(path);
	auto_free char *own_bytes = malloc(len + 1); /* an empty file is not a deletion */

	if (t->n == TEMPLATE_FILES_MAX) {
		return err_set(e, ERR_INTERNAL, "the template has too many files");
	}
	if (!own_path || !own_bytes) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	memcpy(own_bytes, bytes, len);
	t->changes[t->n++] = (struct file_change){
		.path = steal_ptr(own_path),
		.bytes = steal_ptr(own_bytes),
		.len = len,
		.mode = mode,
	};
	return 0;
}

static int template_tree_load(struct app *app, const char *id, struct template_tree *t,
			      struct err *e)
{
	if (!id) {
		return 0;
	}
	if (!template_id_valid(id)) {
		return err_set(e, ERR_UNPROCESSABLE,
			       "there is no such template; GET /templates lists "
			       "them");
	}
	if (template_each_file(app, id, template_tree_add, t, e)) {
		if (e->kind == ERR_NOT_FOUND) {
			err_set(e, ERR_UNPROCESSABLE,
				"there is no template \"%s\"; GET /templates lists them", id);
		}
		return -1;
	}
	return 0;
}

/* One attempt. ERR_CONFLICT: somebody has the slug. */
static int insert_project(struct app *app, const struct project_body *body, const char *user_id,
			  char ret_id[UUID_TEXT_BYTES], struct err *e)
{
	auto_db_result r = NULL;
	char slug[SLUG_BYTES + 1];

	if (slug_make(body->name, slug, e) ||
	    db_query(app->db,
		     "WITH taken AS (INSERT INTO slugs (slug) VALUES ($1) RETURNING slug)"
		     " INSERT INTO projects (user_id, slug, name, template, visibility)"
		     " SELECT $2::uuid, taken.slug, $3::text, $4::text, $5::text FROM taken"
		     " RETURNING id",
		     DB_ARGS(db_text(slug), db_text(user_id), db_text(body->name),
			     db_text(body->template_id), db_text(body->visibility)),
		     &r, e)) {
		return -1;
	}
	snprintf(ret_id, UUID_TEXT_BYTES, "%s", db_get(r, 0, 0));
	return 0;
}

/* Project and first version come into being together or not at all. */
static int create_once(struct app *app, const struct project_body *body, const char *user_id,
		       const struct template_tree *tree, char ret_id[UUID_TEXT_BYTES],
		       struct err *e)
{
	struct version_meta meta = {.kind = "template", .author_id = user_id, .message = ""};
	char message[TEMPLATE_ID_MAX_BYTES + 16];
	int64_t n;

	if (db_begin(app->db, e) || insert_project(app, body, user_id, ret_id, e)) {
		return -1;
	}
	if (tree->n > 0) {
		snprintf(message, sizeof(message), "Template %s", body->template_id);
		meta.message = message;
		if (version_add(app, ret_id, 0, tree->changes, tree->n, &meta, &n, e)) {
			return -1;
		}
	}
	return db_commit(app->db, e);
}

static int create(struct app *app, const struct project_body *body, const char *user_id,
		  const struct template_tree *tree, char ret_id[UUID_TEXT_BYTES], struct err *e)
{
	for (int i = 0; i < SLUG_TRIES; i++) {
		if (!create_once(app, body, user_id, tree, ret_id, e)) {
			return 0;
		}
		db_rollback(app->db);
		if (e->kind != ERR_CONFLICT) {
			return -1;
		}
	}
	return -1;
}

int projects_create(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *object = NULL;
	struct project_body body = {.visibility = "private"};
	struct template_tree tree = {0};
	char id[UUID_TEXT_BYTES];
	char location[64];
	int rc;

	if (request_json(rq, &object, e) ||
	    json_read(object, project_create_fields, ARRAY_LEN(project_create_fields), &body, e)) {
		return -1;
	}
	if (!body.name) {
		body.name = body.template_id ? body.template_id : "Untitled";
	}
	if (text_check_line("name", body.name, NAME_MAX_CHARS, e)) {
		return -1;
	}
	rc = template_tree_load(app, body.template_id, &tree, e);
	if (!rc) {
		rc = create(app, &body, rq->user.id, &tree, id, e);
	}
	template_tree_fini(&tree);
	if (rc) {
		return -1;
	}
	snprintf(location, sizeof(location), "/api/v1/projects/%s", id);
	response_header(rs, "Location", location);
	return project_respond(app, rs, 201, id, rq->user.id, e);
}

int project_patch(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *object = NULL;
	auto_db_result r = NULL;
	struct project_body body = {0};
	const char *id;

	if (request_uuid(rq, 0, &id, e) || request_json(rq, &object, e) ||
	    json_read(object, project_patch_fields, ARRAY_LEN(project_patch_fields), &body, e) ||
	    (body.name && text_check_line("name", body.name, NAME_MAX_CHARS, e))) {
		return -1;
	}
	if (db_query(app->db,
		     "UPDATE projects SET name = coalesce($3, name),"
		     " visibility = coalesce($4, visibility), updated_at = now()"
		     " WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
		     DB_ARGS(db_text(id), db_text(rq->user.id), db_text(body.name),
			     db_text(body.visibility)),
		     &r, e)) {
		return -1;
	}
	return project_respond(app, rs, 200, id, rq->user.id, e);
}

/* A turn that is still running must not go on writing to what is gone. */
static int cancel_generations(struct app *app, const char *project_id, struct err *e)
{
	return db_query(app->db,
			"UPDATE generations SET cancel_requested = true"
			" WHERE project_id = $1 AND state = 'running'",
			DB_ARGS(db_text(project_id)), NULL, e);
}

int project_delete(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_db_result r = NULL;
	const char *id;
	struct err left;

	if (request_uuid(rq, 0, &id, e) ||
	    db_query(app->db,
		     "UPDATE projects SET deleted_at = now()"
		     " WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
		     DB_ARGS(db_text(id), db_text(rq->user.id)), &r, e)) {
		return -1;
	}
	if (db_affected(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such project");
	}
	/* It is deleted for everybody already; what is left is found by reconciling. */
	if (cancel_generations(app, id, &left) || sandbox_remove_all(app, NULL, id, &left)) {
		log_err(LOG_WARN, "project_left_something", &left);
	}
	return response_empty(rs, 204, e);
}

/*
 * One statement, so that whoever purges has taken the row before it or finds it not deleted. A
 * sandbox that outlived the deletion goes all the same: the project comes back stopped, and its
 * next start makes a new one of the newest version.
 */
int project_undelete(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	const char *id;

	if (request_uuid(rq, 0, &id, e) ||
	    db_query(app->db,
		     "WITH back AS (UPDATE projects p SET deleted_at = NULL"
		     " WHERE p.id = $1 AND p.user_id = $2 AND " SQL_CAN_COME_BACK " RETURNING p.id)"
		     " UPDATE sandboxes s SET desired_state = 'removed' FROM back"
		     " WHERE s.project_id = back.id",
		     DB_ARGS(db_text(id), db_text(rq->user.id)), NULL, e)) {
		return -1;
	}
	return project_respond(app, rs, 200, id, rq->user.id, e);
}
