/* Several changes of a project's files as one version: what an editor saves at once. */

#include "cleanup.h"
#include "db.h"
#include "http/problem.h"
#include "json.h"
#include "path.h"
#include "projects/handlers.h"
#include "projects/projects.h"
#include "projects/sql.h"
#include "projects/text.h"
#include "projects/tree.h"
#include "projects/versions.h"

#include <stdio.h>
#include <string.h>

#define CHANGES_MAX	  500
#define MESSAGE_MAX_CHARS 200
#define MESSAGE_BYTES	  (2 * PATH_MAX_BYTES + 64)
#define TRIES		  5 /* against others who write to the same project */
#define AGAIN		  1 /* somebody else was faster */
#define NO_BASE		  (-1)

struct op {
	const char *op, *path, *content, *to;
};

struct changes_body {
	json_t *changes;
	int64_t base_version;
	const char *message;
};

static const char *const op_names[] = {"write", "move", "delete", NULL};

static const struct json_field op_fields[] = {
	{.name = "op",
	 .type = JSON_FIELD_STRING,
	 .required = true,
	 .max = 16,
	 .one_of = op_names,
	 .offset = offsetof(struct op, op)},
	{.name = "path",
	 .type = JSON_FIELD_STRING,
	 .required = true,
	 .min = 1,
	 .max = PATH_MAX_BYTES,
	 .offset = offsetof(struct op, path)},
	{.name = "content",
	 .type = JSON_FIELD_STRING,
	 .max = FILE_MAX_BYTES,
	 .offset = offsetof(struct op, content)},
	{.name = "to",
	 .type = JSON_FIELD_STRING,
	 .min = 1,
	 .max = PATH_MAX_BYTES,
	 .offset = offsetof(struct op, to)},
};

static const struct json_table op_table = {op_fields, ARRAY_LEN(op_fields)};

const struct json_field changes_fields[3] = {
	{.name = "changes",
	 .type = JSON_FIELD_ARRAY,
	 .required = true,
	 .min = 1,
	 .max = CHANGES_MAX,
	 .offset = offsetof(struct changes_body, changes),
	 .objects = &op_table},
	{.name = "base_version",
	 .type = JSON_FIELD_INT,
	 .nullable = true,
	 .max = INT32_MAX,
	 .offset = offsetof(struct changes_body, base_version)},
	{.name = "message",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .min = 1,
	 .max = (int64_t)MESSAGE_MAX_CHARS * 4,
	 .offset = offsetof(struct changes_body, message)},
};

/* What a request wants, checked. */
struct wish {
	const char *user_id;
	struct op ops[CHANGES_MAX];
	size_t n_ops;
	int64_t base_version; /* or NO_BASE */
	const char *message;  /* or NULL */
};

/* Which of the fields an op has depends on what it does. */
static int check_op(const struct op *op, struct err *e)
{
	bool writes = !strcmp(op->op, "write"), moves = !strcmp(op->op, "move");

	if (writes != !!op->content) {
		return err_set(e, ERR_INVALID,
			       writes ? "\"content\" is missing" : "only a write has \"content\"");
	}
	if (moves != !!op->to) {
		return err_set(e, ERR_INVALID,
			       moves ? "\"to\" is missing" : "only a move has \"to\"");
	}
	return 0;
}

/* *object owns what the wish borrows. */
static int read_wish(const struct request *rq, json_t **object, struct wish *ret, struct err *e)
{
	struct changes_body body = {.base_version = NO_BASE};

	if (request_json(rq, object, e) ||
	    json_read(*object, changes_fields, ARRAY_LEN(changes_fields), &body, e) ||
	    json_read_items(body.changes, &changes_fields[0], ret->ops, sizeof(ret->ops[0]), e) ||
	    (body.message && text_check_line("message", body.message, MESSAGE_MAX_CHARS, e))) {
		return -1;
	}
	ret->user_id = rq->user.id;
	ret->n_ops = json_array_size(body.changes);
	ret->base_version = body.base_version;
	ret->message = body.message;
	for (size_t i = 0; i < ret->n_ops; i++) {
		if (check_op(&ret->ops[i], e)) {
			return err_prefix(e, "changes[%zu]", i);
		}
	}
	return 0;
}

static int apply_op(struct tree *t, const struct op *op, struct err *e)
{
	if (op->content) {
		return tree_write(t, op->path, op->content, strlen(op->content), e);
	}
	if (op->to) {
		return tree_move(t, op->path, op->to, e);
	}
	return tree_delete(t, op->path, e);
}

static int apply(struct tree *t, const struct wish *w, struct err *e)
{
	for (size_t i = 0; i < w->n_ops; i++) {
		if (apply_op(t, &w->ops[i], e)) {
			return err_prefix(e, "changes[%zu]", i);
		}
	}
	return 0;
}

/* One and the same, or one in the other: a directory is touched with all beneath it, and a file by
 * what would lie beneath it. */
static bool overlap(const char *a, const char *b)
{
	return !strcmp(a, b) || path_is_beneath(a, b) || path_is_beneath(b, a);
}

static bool is_touched(const struct wish *w, const char *path)
{
	for (size_t i = 0; i < w->n_ops; i++) {
		if (overlap(path, w->ops[i].path) ||
		    (w->ops[i].to && overlap(path, w->ops[i].to))) {
			return true;
		}
	}
	return false;
}

/* Whether the change wanted has come about already: somebody else, or a request whose answer was
 * lost, made it. */
static bool is_as_wanted(const struct tree *wanted, const struct tree_pair *since)
{
	const char *path = since->to ? since->to->path : since->from->path;
	const struct tree_file *file = tree_find(wanted, path);

	if (!file || !since->to) {
		return !file && !since->to;
	}
	return file->mode == since->to->mode && !strcmp(file->sha256, since->to->sha256);
}

/* The paths that the changes touch and that differ between the base and the head. `wanted` is NULL
 * when the changes could not be applied to the head. */
static int find_conflicts(struct app *app, const struct project_ref *project, const struct wish *w,
			  struct tree *head, const struct tree *wanted, json_t *ret, struct err *e)
{
	auto_tree base = {0};
	auto_free struct tree_pair *since = NULL;
	size_t n;

	if (w->base_version == NO_BASE || w->base_version == project->head_version) {
		return 0;
	}
	if (tree_load(&base, app, project->id, w->base_version, e) ||
	    tree_compare(&base, head, &since, &n, e)) {
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const char *path = since[i].to ? since[i].to->path : since[i].from->path;

		if (is_touched(w, path) && !(wanted && is_as_wanted(wanted, &since[i])) &&
		    json_array_append_new(ret, json_string(path))) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
	}
	return 0;
}

static void write_message(const struct wish *w, const struct tree *head,
			  char ret_text[MESSAGE_BYTES])
{
	const struct op *op = &w->ops[0];
	int n;

	if (w->message) {
		snprintf(ret_text, MESSAGE_BYTES, "%s", w->message);
		return;
	}
	if (op->to) {
		n = snprintf(ret_text, MESSAGE_BYTES, "Move %s to %s", op->path, op->to);
	} else {
		n = snprintf(ret_text, MESSAGE_BYTES, "%s %s",
			     !op->content		 ? "Delete"
			     : tree_find(head, op->path) ? "Edit"
							 : "Add",
			     op->path);
	}
	if (w->n_ops > 1 && n > 0 && n < MESSAGE_BYTES) {
		snprintf(ret_text + n, MESSAGE_BYTES - (size_t)n, " and %zu more", w->n_ops - 1);
	}
}

/* The version that makes `wanted` of the head. *ret_n stays the head's where they are the same. */
static int store(struct app *app, const struct project_ref *project, const struct wish *w,
		 struct tree *head, struct tree *wanted, int64_t *ret_n, struct err *e)
{
	auto_free struct tree_pair *pairs = NULL;
	auto_free struct file_change *changes = NULL;
	char message[MESSAGE_BYTES];
	const struct version_meta meta = {
		.kind = "edit",
		.author_id = w->user_id,
		.message = message,
	};
	size_t n;

	if (tree_compare(head, wanted, &pairs, &n, e)) {
		return -1;
	}
	if (n == 0) {
		return 0;
	}
	changes = calloc(n, sizeof(*changes));
	if (!changes) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		const struct tree_file *to = pairs[i].to;

		changes[i] = (struct file_change){
			.path = to ? to->path : pairs[i].from->path,
			.bytes = to ? to->bytes : NULL,
			.sha256 = to ? to->sha256 : NULL,
			.len = to ? to->size : 0,
			.mode = to ? to->mode : 0,
		};
	}
	write_message(w, head, message);
	if (version_create(app, project->id, project->head_version, changes, n, &meta, ret_n, e)) {
		return e->kind == ERR_CONFLICT ? AGAIN : -1;
	}
	return 0;
}

static int answer_conflicts(const struct request *rq, struct response *rs,
			    const struct project_ref *project, const struct wish *w,
			    json_t *conflicts, struct err *e)
{
	auto_json *more = json_pack("{s:O, s:I}", "conflicts", conflicts, "version",
				    (json_int_t)project->head_version);
	struct problem p;
	struct err why;

	if (!more) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	err_set(&why, ERR_PRECONDITION,
		"%zu of the files were changed after version %lld, \"%.200s\" among them; nothing "
		"was changed. Look at version %lld and send the changes again",
		json_array_size(conflicts), (long long)w->base_version,
		json_string_value(json_array_get(conflicts, 0)), (long long)project->head_version);
	problem_of(&why, &p);
	p.more = more;
	response_problem(rs, &p, rq->id);
	return 0;
}

static int answer(struct app *app, struct response *rs, const struct project_ref *project,
		  int64_t n, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT json_build_object('version', $2::integer, 'parent',"
		     " nullif($2::integer - 1, 0), 'files', coalesce(json_agg(" SQL_FILE_JSON
		     " ORDER BY f.path COLLATE \"C\"), '[]'))::text FROM version_files f"
		     " WHERE f.project_id = $1 AND f.n = $2::integer AND f.changed_in = f.n",
		     DB_ARGS(db_text(project->id), db_int(n)), &r, e)) {
		return -1;
	}
	return response_json_text(rs, 201, db_get(r, 0, 0), e);
}

static int answer_unchanged(struct response *rs, const struct project_ref *project, struct err *e)
{
	int64_t n = project->head_version;
	auto_json *object = json_pack("{s:I, s:o, s:[]}", "version", (json_int_t)n, "parent",
				      n > 1 ? json_integer(n - 1) : json_null(), "files");

	return response_json(rs, 200, object, e);
}

/* 0, AGAIN or -1. */
static int attempt(struct app *app, const struct request *rq, struct response *rs,
		   const struct wish *w, struct err *e)
{
	auto_json *conflicts = json_array();
	auto_tree head = {0};
	auto_tree wanted = {0};
	struct project_ref project;
	struct err failed;
	int64_t n;
	int rc;

	if (project_of_request(app, rq, &project, e) ||
	    tree_load(&head, app, project.id, project.head_version, e) ||
	    tree_copy(&wanted, &head, e)) {
		return -1;
	}
	if (w->base_version > project.head_version) {
		return err_set(e, ERR_NOT_FOUND, "there is no such version as base_version says");
	}
	rc = apply(&wanted, w, &failed);
	if (find_conflicts(app, &project, w, &head, rc ? NULL : &wanted, conflicts, e)) {
		return -1;
	}
	if (json_array_size(conflicts) > 0) {
		return answer_conflicts(rq, rs, &project, w, conflicts, e);
	}
	if (rc) {
		*e = failed;
		return -1;
	}
	n = project.head_version;
	rc = store(app, &project, w, &head, &wanted, &n, e);
	if (rc) {
		return rc;
	}
	return n == project.head_version ? answer_unchanged(rs, &project, e)
					 : answer(app, rs, &project, n, e);
}

int changes_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *object = NULL;
	struct wish wish = {0};
	int rc = AGAIN;

	if (read_wish(rq, &object, &wish, e)) {
		return -1;
	}
	for (int i = 0; i < TRIES && rc == AGAIN; i++) {
		rc = attempt(app, rq, rs, &wish, e);
	}
	return rc ? -1 : 0;
}
