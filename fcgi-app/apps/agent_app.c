#include "apps/agent_app.h"

#include "cleanup.h"
#include "http_client.h"
#include "json.h"
#include "utf8.h"

#include <string.h>

#define ANSWER_MAX_BYTES (64 * 1024)
#define NUMBER_MAX	 (1LL << 53) /* what every reader of JSON takes */

static const char *const state_names[] = {
	[AGENT_APP_STOPPED] = "stopped",   [AGENT_APP_INSTALLING] = "installing",
	[AGENT_APP_STARTING] = "starting", [AGENT_APP_RUNNING] = "running",
	[AGENT_APP_CRASHED] = "crashed",   [AGENT_APP_EXITED] = "exited",
};

const char *agent_app_state_name(enum agent_app_state state)
{
	return state_names[state];
}

void agent_app_fini(struct agent_app *a)
{
	json_decref(a->shown);
	a->shown = NULL;
}

/* A number from min on, or `otherwise`. */
static int64_t number_of(const json_t *object, const char *name, int64_t min, int64_t otherwise)
{
	const json_t *value = json_object_get(object, name);
	json_int_t n = json_integer_value(value);

	return json_is_integer(value) && n >= min && n <= NUMBER_MAX ? (int64_t)n : otherwise;
}

/* New reference; null where it is none. */
static json_t *shown_number(const json_t *object, const char *name, int64_t min)
{
	int64_t n = number_of(object, name, min, min - 1);

	return n < min ? json_null() : json_integer(n);
}

/* New reference: the text, cut to its maximum, or null. */
static json_t *shown_text(const json_t *object, const char *name, size_t max_bytes)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (!text) {
		return json_null();
	}
	if (len > max_bytes) {
		len = max_bytes - utf8_incomplete_tail(text, max_bytes);
	}
	return json_stringn(text, len);
}

static bool is_port(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) > 0 &&
	       json_integer_value(value) < 65536;
}

static json_t *shown_port(const json_t *object)
{
	const json_t *port = json_object_get(object, "port");

	return is_port(port) ? json_integer(json_integer_value(port)) : json_null();
}

static json_t *shown_ports(const json_t *object)
{
	const json_t *ports = json_object_get(object, "ports");
	json_t *shown = json_array();

	for (size_t i = 0; i < json_array_size(ports) && i < AGENT_APP_PORTS_MAX; i++) {
		const json_t *port = json_array_get(ports, i);

		if (is_port(port)) {
			json_array_append_new(shown, json_integer(json_integer_value(port)));
		}
	}
	return shown;
}

static json_t *shown_plan(const json_t *object)
{
	const json_t *plan = json_object_get(object, "plan");

	if (!json_is_object(plan)) {
		return json_null();
	}
	return json_pack("{s:o,s:o,s:o,s:o}", "kind",
			 shown_text(plan, "kind", AGENT_APP_TEXT_MAX_BYTES), "manager",
			 shown_text(plan, "manager", AGENT_APP_TEXT_MAX_BYTES), "install",
			 shown_text(plan, "install", AGENT_APP_TEXT_MAX_BYTES), "command",
			 shown_text(plan, "command", AGENT_APP_TEXT_MAX_BYTES));
}

static json_t *shown(const json_t *object)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "for_ms",
			 shown_number(object, "for_ms", 0), "port", shown_port(object), "ports",
			 shown_ports(object), "plan", shown_plan(object), "exit_code",
			 shown_number(object, "exit_code", 0), "signal",
			 shown_text(object, "signal", 16), "error",
			 shown_text(object, "error", AGENT_APP_ERROR_MAX_BYTES), "install_ms",
			 shown_number(object, "install_ms", 0), "start_ms",
			 shown_number(object, "start_ms", 0));
}

int agent_app_read(const json_t *object, struct agent_app *ret, struct err *e)
{
	const char *name = json_string_value(json_object_get(object, "state"));
	struct agent_app a = {
		.start = number_of(object, "start", 0, 0),
		.last_log_id = number_of(object, "last_log_id", 0, 0),
		.install_ms = number_of(object, "install_ms", 0, -1),
		.start_ms = number_of(object, "start_ms", 0, -1),
	};
	size_t i = 0;

	while (name && i < ARRAY_LEN(state_names) && strcmp(name, state_names[i]) != 0) {
		i++;
	}
	if (!name || i == ARRAY_LEN(state_names)) {
		return err_set(e, ERR_UPSTREAM,
			       "the sandbox's agent told no state of the app that is known");
	}
	a.state = (enum agent_app_state)i;
	a.shown = shown(object);
	if (!a.shown) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	a.port = json_integer_value(json_object_get(a.shown, "port"));
	*ret = a;
	return 0;
}

static int ask(struct app *app, const char *socket, const char *method, const char *url,
	       int64_t timeout_ms, struct agent_app *ret, struct err *e)
{
	auto_json *object = NULL;
	auto_http_response response = {0};
	const struct http_request rq = {
		.method = method,
		.url = url,
		.unix_socket = socket,
		.connect_timeout_ms = timeout_ms,
		.total_timeout_ms = timeout_ms,
		.response_max_bytes = ANSWER_MAX_BYTES,
	};

	if (http_client_perform(app->http, &rq, &response, e)) {
		return err_prefix(e, "the sandbox's agent");
	}
	if (response.status != 200 ||
	    json_parse(response.body.data, response.body.len, ANSWER_MAX_BYTES, &object, e)) {
		return err_set(e, ERR_UPSTREAM, "the sandbox's agent answered %d without a state",
			       response.status);
	}
	return agent_app_read(object, ret, e);
}

int agent_app_get(struct app *app, const char *socket, int64_t timeout_ms, struct agent_app *ret,
		  struct err *e)
{
	return ask(app, socket, "GET", "http://agent/v1/app", timeout_ms, ret, e);
}

int agent_app_stop(struct app *app, const char *socket, int64_t timeout_ms, struct err *e)
{
	auto_agent_app ignored = {0};

	return ask(app, socket, "POST", "http://agent/v1/app/stop", timeout_ms, &ignored, e);
}
