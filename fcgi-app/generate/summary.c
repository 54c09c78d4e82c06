#include "generate/summary.h"

#include "cleanup.h"
#include "json.h"
#include "utf8.h"

#include <string.h>

enum verdict {
	VERDICT_NONE, /* says nothing: it was not needed, or is only a beginning */
	VERDICT_PASSED,
	VERDICT_FAILED,
	VERDICT_UNKNOWN,
};

int summary_init(struct summary *s, struct err *e)
{
	*s = (struct summary){.files = json_object(), .steps = json_object()};
	strbuf_init(&s->reply, SUMMARY_REPLY_MAX);
	if (!s->files || !s->steps) {
		summary_fini(s);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

void summary_fini(struct summary *s)
{
	json_decref(s->files);
	json_decref(s->steps);
	json_decref(s->preview);
	strbuf_fini(&s->reply);
	*s = (struct summary){0};
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* As much of it as fits, cut between characters. */
static void add_words(struct summary *s, const json_t *words)
{
	size_t room = s->reply.max - s->reply.len;
	size_t len = json_string_length(words);
	const char *text = json_string_value(words);

	if (len > room) {
		len = room - utf8_incomplete_tail(text, room);
	}
	strbuf_add(&s->reply, text, len);
}

/* The last state of a file counts; it keeps its place. */
static int add_file(struct summary *s, const json_t *data)
{
	const char *path = text_of(data, "path");
	json_t *reason = json_object_get(data, "reason");

	if (!json_object_get(s->files, path) && json_object_size(s->files) >= SUMMARY_FILES_MAX) {
		return 0;
	}
	return json_object_set_new(s->files, path,
				   json_pack("{s:s,s:s,s:n,s:n,s:O*}", "path", path, "state",
					     text_of(data, "state"), "additions", "deletions",
					     "reason", reason));
}

/* What a sandbox said may be long: then only the form of the step is kept. */
static int add_step(struct summary *s, json_t *data)
{
	const char *name = text_of(data, "name");

	if (json_dumpb(data, NULL, 0, JSON_COMPACT) <= SUMMARY_STEP_MAX_BYTES) {
		return json_object_set(s->steps, name, data);
	}
	return json_object_set_new(s->steps, name,
				   json_pack("{s:s,s:O*,s:O*}", "name", name, "at",
					     json_object_get(data, "at"), "state",
					     json_object_get(data, "state")));
}

int summary_add(struct summary *s, const char *type, json_t *data, struct err *e)
{
	int rc = 0;

	if (strcmp(type, "message") == 0 && json_is_string(json_object_get(data, "delta"))) {
		add_words(s, json_object_get(data, "delta"));
	} else if (strcmp(type, "file") == 0) {
		rc = add_file(s, data);
	} else if (strcmp(type, "step") == 0) {
		rc = add_step(s, data);
	} else if (strcmp(type, "preview") == 0) {
		json_decref(s->preview);
		s->preview = json_incref(data);
	}
	return rc < 0 ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
}

json_t *summary_unfinished(const struct summary *s)
{
	const char *path;
	json_t *file;

	json_object_foreach(s->files, path, file)
	{
		if (strcmp(text_of(file, "state"), "writing") == 0) {
			return json_pack("{s:s,s:s,s:i,s:s}", "path", path, "state", "refused",
					 "bytes", 0, "reason", "it was not finished");
		}
	}
	return NULL;
}

static enum verdict verdict_of_failed(const json_t *step)
{
	const char *kind = text_of(step, "kind");

	return kind[0] && strcmp(kind, err_kind_name(ERR_TIMEOUT)) != 0 ? VERDICT_UNKNOWN
									: VERDICT_FAILED;
}

static enum verdict verdict_of(const char *name, const json_t *step)
{
	const char *state = text_of(step, "state");

	if (strcmp(name, "complete") == 0) {
		return VERDICT_NONE; /* of the model's writing, not of a run */
	}
	if (strcmp(state, "failed") == 0) {
		return verdict_of_failed(step);
	}
	if (strcmp(state, "skipped") == 0) {
		return VERDICT_NONE;
	}
	if (strcmp(state, "finished") == 0 || strcmp(state, "listening") == 0) {
		return strcmp(name, "install") == 0 ? VERDICT_NONE : VERDICT_PASSED;
	}
	return VERDICT_UNKNOWN; /* it never ended */
}

const char *summary_result(const struct summary *s)
{
	bool seen[VERDICT_UNKNOWN + 1] = {false};
	const char *name;
	json_t *step;

	json_object_foreach(s->steps, name, step)
	{
		seen[verdict_of(name, step)] = true;
	}
	if (seen[VERDICT_FAILED]) {
		return "failed";
	}
	return seen[VERDICT_PASSED] && !seen[VERDICT_UNKNOWN] ? "passed" : NULL;
}

/* A new array of an object's values, or NULL. */
static json_t *values_of(json_t *object)
{
	json_t *values = json_array();
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		if (json_array_append(values, value) < 0) {
			json_decref(values);
			return NULL;
		}
	}
	return values;
}

char *summary_text(const struct summary *s)
{
	auto_json *object =
		json_pack("{s:o,s:o,s:O?,s:s?}", "files", values_of(s->files), "steps",
			  values_of(s->steps), "preview", s->preview, "result", summary_result(s));

	return object ? json_text(object) : NULL;
}
