#include "app_calls.h"

#include "app_private.h"
#include "cleanup.h"
#include "json.h"
#include "strbuf.h"

#include <string.h>

#define ENV_MAX 200

/* A POST about the app: first its body, then, for stop, the wait. */
struct app_call {
	TAILQ_ENTRY(app_call) link; /* in app->stopping */
	struct conn *conn;
	struct strbuf body;
	bool waiting;
};

struct start_fields {
	bool restart, shared_modules;
	json_t *env;
};

static const struct json_field start_fields[] = {
	{"restart", JSON_FIELD_BOOL, false, false, 0, 0, offsetof(struct start_fields, restart),
	 NULL, NULL},
	{"shared_modules", JSON_FIELD_BOOL, false, false, 0, 0,
	 offsetof(struct start_fields, shared_modules), NULL, NULL},
	{"env", JSON_FIELD_OBJECT, false, true, 0, 0, offsetof(struct start_fields, env), NULL,
	 NULL},
};

static void reply_state(struct conn *c, int status)
{
	json_t *state = app_state_json(conn_agent(c));
	char *text = state ? json_dumps(state, JSON_COMPACT) : NULL;
	struct err e;

	if (text) {
		conn_reply(c, status, "application/json", text, strlen(text));
	} else {
		err_set(&e, ERR_INTERNAL, "out of memory");
		conn_reply_err(c, &e);
	}
	free(text);
	json_decref(state);
}

int app_on_get(struct conn *c, struct err *e)
{
	(void)e;
	reply_state(c, 200);
	return 0;
}

int app_on_begin(struct conn *c, struct err *e)
{
	struct app_call *call = calloc(1, sizeof(*call));

	if (!call) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	call->conn = c;
	strbuf_init(&call->body, APP_BODY_MAX_BYTES);
	conn_set_data(c, call);
	return 0;
}

int app_on_body(struct conn *c, const char *bytes, size_t len, struct err *e)
{
	struct app_call *call = conn_data(c);

	strbuf_add(&call->body, bytes, len);
	return strbuf_check(&call->body, "the body", e);
}

static int check_env(json_t *env, struct err *e)
{
	const char *name;
	json_t *value;

	if (json_object_size(env) > ENV_MAX) {
		return err_set(e, ERR_INVALID, "env has more than %d variables", ENV_MAX);
	}
	json_object_foreach(env, name, value)
	{
		if (!json_is_string(value) || name[0] == '\0' || strchr(name, '=')) {
			return err_set(
				e, ERR_INVALID,
				"env: names are not empty and have no =, values are strings");
		}
	}
	return 0;
}

int app_on_start(struct conn *c, struct err *e)
{
	const struct app_call *call = conn_data(c);
	struct start_fields f = {0};
	auto_json *body = NULL;

	if (call->body.len > 0) {
		if (json_parse(call->body.data, call->body.len, APP_BODY_MAX_BYTES, &body, e) < 0) {
			return -1;
		}
		if (!json_is_object(body)) {
			return err_set(e, ERR_INVALID, "the body must be a JSON object");
		}
		if (json_read(body, start_fields, ARRAY_LEN(start_fields), &f, e) < 0 ||
		    check_env(f.env, e) < 0) {
			return -1;
		}
	}
	app_start(conn_agent(c)->app, f.env, f.shared_modules, f.restart);
	reply_state(c, 202);
	return 0;
}

int app_on_stop(struct conn *c, struct err *e)
{
	struct app_call *call = conn_data(c);
	struct app *app = conn_agent(c)->app;

	(void)e;
	if (app_stop(app)) {
		reply_state(c, 200);
		return 0;
	}
	call->waiting = true;
	TAILQ_INSERT_TAIL(&app->stopping, call, link);
	return 0;
}

void app_calls_answer_stopping(struct app *app)
{
	struct app_call *call;

	/* An answer ends its call, which takes itself out of the list. */
	while ((call = TAILQ_FIRST(&app->stopping)) != NULL) {
		reply_state(call->conn, 200);
	}
}

void app_on_gone(struct conn *c)
{
	struct app_call *call = conn_data(c);

	if (!call) {
		return;
	}
	if (call->waiting) {
		TAILQ_REMOVE(&conn_agent(c)->app->stopping, call, link);
	}
	strbuf_fini(&call->body);
	free(call);
}
