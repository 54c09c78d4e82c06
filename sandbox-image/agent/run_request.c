#include "run_request.h"

#include "cleanup.h"
#include "json.h"
#include "path.h"

#include <string.h>

struct run_fields {
	const char *id;
	json_t *argv, *env, *write;
	const char *cwd, *stdin_text;
	int64_t timeout_ms, output_max_bytes;
	bool probe_listen;
};

static const struct json_field run_fields[] = {
	{"id", JSON_FIELD_STRING, true, false, 1, RUN_ID_MAX_BYTES, offsetof(struct run_fields, id),
	 NULL, NULL},
	{"argv", JSON_FIELD_ARRAY, true, false, 1, RUN_ARGS_MAX, offsetof(struct run_fields, argv),
	 NULL, NULL},
	{"cwd", JSON_FIELD_STRING, false, true, 0, PATH_MAX_BYTES, offsetof(struct run_fields, cwd),
	 NULL, NULL},
	{"env", JSON_FIELD_OBJECT, false, true, 0, RUN_ENV_MAX, offsetof(struct run_fields, env),
	 NULL, NULL},
	{"write", JSON_FIELD_ARRAY, false, true, 0, RUN_WRITES_MAX,
	 offsetof(struct run_fields, write), NULL, NULL},
	{"stdin", JSON_FIELD_STRING, false, true, 0, RUN_BODY_MAX_BYTES,
	 offsetof(struct run_fields, stdin_text), NULL, NULL},
	{"timeout_ms", JSON_FIELD_INT, false, false, 1, RUN_TIMEOUT_MAX_MS,
	 offsetof(struct run_fields, timeout_ms), NULL, NULL},
	{"output_max_bytes", JSON_FIELD_INT, false, false, 0, RUN_OUTPUT_MAX_BYTES,
	 offsetof(struct run_fields, output_max_bytes), NULL, NULL},
	{"probe_listen", JSON_FIELD_BOOL, false, false, 0, 0,
	 offsetof(struct run_fields, probe_listen), NULL, NULL},
};

static const struct json_field write_fields[] = {
	{"path", JSON_FIELD_STRING, true, false, 1, PATH_MAX_BYTES,
	 offsetof(struct run_write, path), NULL, NULL},
	{"content", JSON_FIELD_STRING, true, false, 0, RUN_FILE_MAX_BYTES,
	 offsetof(struct run_write, content), NULL, NULL},
};

static int check_id(const char *id, struct err *e)
{
	if (id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] !=
	    '\0') {
		return err_set(e, ERR_INVALID, "id may hold letters, digits, - and _ only");
	}
	return 0;
}

static int read_argv(struct run_request *rq, const json_t *argv, struct err *e)
{
	size_t n = json_array_size(argv);

	rq->argv = calloc(n + 1, sizeof(*rq->argv));
	if (!rq->argv) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		const char *arg = json_string_value(json_array_get(argv, i));

		if (!arg || (i == 0 && arg[0] == '\0')) {
			return err_set(e, ERR_INVALID, "argv[%zu] must be a string%s", i,
				       i == 0 ? " that is not empty" : "");
		}
		rq->argv[i] = strdup(arg);
		if (!rq->argv[i]) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
	}
	return 0;
}

static int add_env(struct run_request *rq, size_t n, const char *name, const char *value,
		   struct err *e)
{
	if (asprintf(&rq->envp[n], "%s=%s", name, value) < 0) {
		rq->envp[n] = NULL;
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

/* json_t iterators of jansson take a non-const object. */
static int add_all(struct run_request *rq, size_t *n, json_t *env, const json_t *unless,
		   struct err *e)
{
	const char *name;
	json_t *value;

	json_object_foreach(env, name, value)
	{
		if (!json_is_string(value) || name[0] == '\0' || strchr(name, '=')) {
			return err_set(
				e, ERR_INVALID,
				"env: names are not empty and have no =, values are strings");
		}
		if (!json_object_get(unless, name) &&
		    add_env(rq, (*n)++, name, json_string_value(value), e) < 0) {
			return -1;
		}
	}
	return 0;
}

static int read_env(struct run_request *rq, json_t *base, json_t *env, struct err *e)
{
	size_t n = 0;

	if (json_object_size(env) > RUN_ENV_MAX) {
		return err_set(e, ERR_INVALID, "env has more than %d variables", RUN_ENV_MAX);
	}
	rq->envp = calloc(json_object_size(base) + json_object_size(env) + 1, sizeof(*rq->envp));
	if (!rq->envp) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (add_all(rq, &n, base, env, e) < 0) {
		return -1;
	}
	return add_all(rq, &n, env, NULL, e);
}

static int read_writes(struct run_request *rq, const json_t *writes, struct err *e)
{
	size_t n = json_array_size(writes);

	rq->writes = calloc(n ? n : 1, sizeof(*rq->writes));
	if (!rq->writes) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(writes, i);
		struct run_write *w = &rq->writes[i];

		if (!json_is_object(item)) {
			return err_set(e, ERR_INVALID, "write[%zu] must be an object", i);
		}
		if (json_read(item, write_fields, ARRAY_LEN(write_fields), w, e) < 0 ||
		    path_check(w->path, strlen(w->path), e) < 0) {
			return err_prefix(e, "write[%zu]", i);
		}
		w->content_len = json_string_length(json_object_get(item, "content"));
	}
	rq->n_writes = n;
	return 0;
}

static int fill(struct run_request *rq, json_t *base_env, struct err *e)
{
	struct run_fields f = {
		.cwd = "",
		.stdin_text = "",
		.timeout_ms = 10 * 1000,
		.output_max_bytes = 1024 * 1024,
	};

	if (!json_is_object(rq->body)) {
		return err_set(e, ERR_INVALID, "the body must be a JSON object");
	}
	if (json_read(rq->body, run_fields, ARRAY_LEN(run_fields), &f, e) < 0 ||
	    check_id(f.id, e) < 0 || read_argv(rq, f.argv, e) < 0 ||
	    read_env(rq, base_env, f.env, e) < 0 || read_writes(rq, f.write, e) < 0) {
		return -1;
	}
	if (f.cwd[0] != '\0' && path_check(f.cwd, strlen(f.cwd), e) < 0) {
		return err_prefix(e, "cwd");
	}
	rq->id = f.id;
	rq->cwd = f.cwd;
	rq->stdin_text = f.stdin_text;
	rq->stdin_len = strlen(f.stdin_text);
	rq->timeout_ms = f.timeout_ms;
	rq->output_max_bytes = f.output_max_bytes;
	rq->probe_listen = f.probe_listen;
	return 0;
}

int run_request_parse(const char *text, size_t len, json_t *base_env, struct run_request **ret,
		      struct err *e)
{
	struct run_request *rq = calloc(1, sizeof(*rq));

	if (!rq) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (json_parse(text, len, RUN_BODY_MAX_BYTES, &rq->body, e) < 0 ||
	    fill(rq, base_env, e) < 0) {
		run_request_destroy(rq);
		return -1;
	}
	*ret = rq;
	return 0;
}

int run_request_make(const char *const *argv, json_t *env, struct run_request **ret, struct err *e)
{
	struct run_request *rq = calloc(1, sizeof(*rq));
	auto_json *list = json_array();

	for (size_t i = 0; list && argv[i]; i++) {
		(void)json_array_append_new(list, json_string(argv[i]));
	}
	if (!rq || !list) {
		free(rq);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	rq->id = rq->cwd = rq->stdin_text = "";
	rq->timeout_ms = RUN_NO_TIMEOUT;
	if (read_argv(rq, list, e) < 0 || read_env(rq, env, NULL, e) < 0) {
		run_request_destroy(rq);
		return -1;
	}
	*ret = rq;
	return 0;
}

static void free_strings(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++) {
		free(strings[i]);
	}
	free(strings);
}

void run_request_destroy(struct run_request *rq)
{
	if (!rq) {
		return;
	}
	free_strings(rq->argv);
	free_strings(rq->envp);
	free(rq->writes);
	json_decref(rq->body);
	free(rq);
}
