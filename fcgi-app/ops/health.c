#include "clock.h"
#include "config.h"
#include "db.h"
#include "http_client.h"
#include "log.h"
#include "ops/handlers.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

#define BROKER_TIMEOUT_MS   700 /* readyz stays within a short call's second */
#define BROKER_ANSWER_BYTES (64 * 1024)

int healthz_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *body = json_pack("{s:s, s:s}", "status", "alive", "version", SLIPWAY_VERSION);

	(void)app;
	(void)rq;
	return response_json(rs, 200, body, e);
}

static json_t *part(bool ok, const char *detail)
{
	return json_pack("{s:b, s:s}", "ok", ok, "detail", detail);
}

static json_t *postgresql_part(struct app *app)
{
	auto_db_result r = NULL;
	struct err e;

	if (db_query(app->db, "SELECT count(*) FROM schema_migrations", DB_NO_ARGS, &r, &e) < 0) {
		log_err(LOG_WARN, "postgresql_not_ready", &e);
		return part(false, e.kind == ERR_UNAVAILABLE ? "cannot be reached"
							     : "its schema is not there yet");
	}
	return part(true, "");
}

static int ask_broker(struct app *app, json_t **ret_answer, struct err *e)
{
	char socket[108];
	auto_http_response response;
	const struct http_request request = {
		.method = "GET",
		.url = "http://sandboxd/v1/health",
		.unix_socket = socket,
		.connect_timeout_ms = BROKER_TIMEOUT_MS,
		.total_timeout_ms = BROKER_TIMEOUT_MS,
		.response_max_bytes = BROKER_ANSWER_BYTES,
	};

	(void)snprintf(socket, sizeof(socket), "%s/broker/sandboxd.sock",
		       config_str(app->config, CFG_RUN_DIR));
	if (http_client_perform(app->http, &request, &response, e) < 0) {
		return -1;
	}
	if (response.status != 200) {
		return err_set(e, ERR_UPSTREAM, "answered with status %d", response.status);
	}
	return json_parse(response.body.data, response.body.len, BROKER_ANSWER_BYTES, ret_answer,
			  e);
}

/* {"docker": {"ok", "detail"}, "image": …} of sandboxd, copied by name: only what we expect. */
static void add_broker_parts(struct app *app, json_t *parts)
{
	static const char *const names[] = {"docker", "image"};
	auto_json *answer = NULL;
	struct err e;
	bool there = ask_broker(app, &answer, &e) == 0;

	if (!there) {
		log_err(LOG_WARN, "sandboxd_not_ready", &e);
	}
	json_object_set_new(parts, "sandboxd",
			    part(there, there ? "" : "does not answer on its socket"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *given = json_object_get(answer, names[i]);
		const char *detail = json_string_value(json_object_get(given, "detail"));

		if (!there) {
			detail = "not known: sandboxd does not answer";
		}
		json_object_set_new(
			parts, names[i],
			part(json_is_true(json_object_get(given, "ok")), detail ? detail : ""));
	}
}

/* The offline provider is always there, so a model is never missing; which one it is gets named. */
static json_t *model_part(const struct app *app)
{
	const char *model = config_str(app->config, CFG_MODEL);
	bool remote = config_str(app->config, CFG_OPENAI_API_KEY)[0] != '\0' ||
		      config_str(app->config, CFG_OPENAI_BASE_URL)[0] != '\0';

	if (!remote) {
		return part(true, "offline: templates, no model is configured");
	}
	return part(true, model[0] != '\0' ? model : "gpt-4o-mini");
}

int readyz_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *parts = json_object();
	auto_json *body = NULL;
	const char *name;
	json_t *value;
	bool ready = true;

	(void)rq;
	json_object_set_new(parts, "postgresql", postgresql_part(app));
	add_broker_parts(app, parts);
	json_object_set_new(parts, "model", model_part(app));
	json_object_foreach(parts, name, value)
	{
		ready = ready && json_is_true(json_object_get(value, "ok"));
	}
	body = json_pack("{s:b, s:O}", "ready", ready, "dependencies", parts);
	return response_json(rs, ready ? 200 : 503, body, e);
}
