#include "generate/make_version.h"

#include "cleanup.h"
#include "db.h"
#include "json.h"
#include "utf8.h"

#include <string.h>

#define TRIES_MAX	  5
#define MESSAGE_MAX_BYTES 200

/* The project's head now, and which of the changed files it holds newer than the model saw them. */
static int look_at_head(struct turn *t, const struct file_change *changes, size_t n,
			int64_t *ret_head, json_t **ret_overwrote, struct err *e)
{
	auto_db_result r = NULL;
	auto_json *paths = json_array();
	auto_free char *text = NULL;

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(paths, json_string(changes[i].path)) < 0) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
	}
	text = json_text(paths);
	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (db_query(t->app->db,
		     "SELECT p.head_version, coalesce((SELECT json_agg(f.path ORDER BY f.path)"
		     " FROM version_files f WHERE f.project_id = p.id AND f.n = p.head_version"
		     " AND f.changed_in > $2 AND f.path IN"
		     " (SELECT jsonb_array_elements_text($3::jsonb))), '[]')::text"
		     " FROM projects p WHERE p.id = $1 AND p.deleted_at IS NULL",
		     DB_ARGS(db_text(t->project_id), db_int(t->base_version), db_text(text)), &r,
		     e) < 0) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "the project was deleted meanwhile");
	}
	*ret_head = db_get_int(r, 0, 0);
	return json_parse(db_get(r, 0, 1), strlen(db_get(r, 0, 1)), 1 << 20, ret_overwrote, e);
}

/* The first line of the prompt, as a version's message. */
static void summarise(const char *prompt, char buf[MESSAGE_MAX_BYTES + 1])
{
	size_t len;

	prompt += strspn(prompt, " \t\r\n");
	len = strcspn(prompt, "\r\n");

	if (len > MESSAGE_MAX_BYTES) {
		len = MESSAGE_MAX_BYTES;
		len -= utf8_incomplete_tail(prompt, len);
	}
	memcpy(buf, prompt, len);
	buf[len] = '\0';
}

static int create(struct turn *t, const struct file_change *changes, size_t n, int64_t *ret_head,
		  json_t **ret_overwrote, struct err *e)
{
	char message[MESSAGE_MAX_BYTES + 1];
	const struct version_meta meta = {
		.kind = "generate",
		.author_id = t->rq->user.id,
		.generation_id = t->id,
		.message = message,
	};

	summarise(t->prompt, message);
	for (int tries = 1;; tries++) {
		auto_json *overwrote = NULL;

		if (look_at_head(t, changes, n, ret_head, &overwrote, e) < 0) {
			return -1;
		}
		if (version_create(t->app, t->project_id, *ret_head, changes, n, &meta, &t->version,
				   e) == 0) {
			*ret_overwrote = steal_ptr(overwrote);
			return 0;
		}
		if (e->kind == ERR_INVALID) { /* not the caller's input: the model's */
			e->kind = ERR_UNPROCESSABLE;
			return err_prefix(e, "the model's files make no version");
		}
		if (e->kind != ERR_CONFLICT || tries == TRIES_MAX) {
			return -1;
		}
	}
}

int make_version(struct turn *t, const struct file_set *files, struct err *e)
{
	auto_free struct file_change *changes = NULL;
	json_t *overwrote = NULL;
	int64_t parent = 0;
	size_t n = 0;

	if (file_set_changes(files, &changes, &n, e) < 0) {
		return -1;
	}
	if (n == 0) {
		return 0;
	}
	if (create(t, changes, n, &parent, &overwrote, e) < 0) {
		return -1;
	}
	/* Should this worker die now, its generation is still the one that made this version. */
	if (db_query(t->app->db, "UPDATE generations SET version = $2 WHERE id = $1",
		     DB_ARGS(db_text(t->id), db_int(t->version)), NULL, e) < 0) {
		json_decref(overwrote);
		return -1;
	}
	return turn_emit(t, "version",
			 json_pack("{s:I,s:I,s:I,s:o}", "version", (json_int_t)t->version, "parent",
				   (json_int_t)parent, "files", (json_int_t)n, "overwrote",
				   overwrote),
			 e);
}
