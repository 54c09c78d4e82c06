#include "exec/broker.h"

#include "cleanup.h"
#include "config.h"
#include "http_client.h"
#include "json.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define CONNECT_TIMEOUT_MS 2000
/* A first start makes a disk and a container. Below the 30 s of silence after which the janitor
 * takes a generation for dead: its worker cannot beat while it waits here. */
#define ENSURE_TIMEOUT_MS 25000
#define DELETE_TIMEOUT_MS 2000 /* reconciling finishes what takes longer */
#define START_TIMEOUT_MS  3000 /* a job is made, nothing is waited for */
#define STOP_TIMEOUT_MS	  20000
#define ANSWER_MAX_BYTES  (64 * 1024)

/* sandboxd's own kind travels on, so that a full disk or a limit keeps its meaning. */
static int answer_error(const struct http_response *r, struct err *e)
{
	auto_json *body = NULL;
	struct err ignored;
	const char *kind = NULL, *detail = NULL;

	if (!json_parse(r->body.data, r->body.len, ANSWER_MAX_BYTES, &body, &ignored)) {
		kind = json_string_value(json_object_get(body, "kind"));
		detail = json_string_value(json_object_get(body, "detail"));
	}
	for (int k = ERR_INTERNAL; kind && detail && k <= ERR_NO_SPACE; k++) {
		if (!strcmp(kind, err_kind_name((enum err_kind)k))) {
			return err_set(e, (enum err_kind)k, "%s", detail);
		}
	}
	return err_set(e, ERR_UPSTREAM, "slipway-sandboxd answered %d", r->status);
}

static int call(struct app *app, struct http_request *rq, struct http_response *ret, struct err *e)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];

	snprintf(socket, sizeof(socket), "%s/broker/sandboxd.sock",
		 config_str(app->config, CFG_RUN_DIR));
	rq->unix_socket = socket;
	rq->headers = headers;
	rq->connect_timeout_ms = CONNECT_TIMEOUT_MS;
	rq->response_max_bytes = ANSWER_MAX_BYTES;
	if (http_client_perform(app->http, rq, ret, e)) {
		if (e->kind == ERR_UNAVAILABLE) {
			return err_set(e, ERR_UNAVAILABLE, "slipway-sandboxd is not running");
		}
		return err_prefix(e, "slipway-sandboxd");
	}
	return ret->status / 100 == 2 ? 0 : answer_error(ret, e);
}

int broker_ensure(struct app *app, const char *user_id, const char *project_id, json_t **ret_object,
		  struct err *e)
{
	auto_json *rq = json_pack("{s:s,s:s?,s:s}", "user_id", user_id, "project_id", project_id,
				  "profile", project_id ? "app" : "script");
	auto_free char *body = rq ? json_text(rq) : NULL;
	auto_http_response response = {0};
	auto_json *object = NULL;
	struct http_request http = {
		.method = "POST",
		.url = "http://sandboxd/v1/sandboxes/ensure",
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.total_timeout_ms = ENSURE_TIMEOUT_MS,
	};

	if (!body) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (call(app, &http, &response, e)) {
		return -1;
	}
	if (json_parse(response.body.data, response.body.len, ANSWER_MAX_BYTES, &object, e)) {
		e->kind = ERR_UPSTREAM;
		return err_prefix(e, "slipway-sandboxd");
	}
	*ret_object = steal_ptr(object);
	return 0;
}

int broker_app_start(struct app *app, const char *user_id, const char *project_id, bool restart,
		     struct err *e)
{
	auto_json *rq = json_pack("{s:s,s:s,s:b}", "user_id", user_id, "project_id", project_id,
				  "restart", restart);
	auto_free char *body = rq ? json_text(rq) : NULL;
	auto_http_response response = {0};
	struct http_request http = {
		.method = "POST",
		.url = "http://sandboxd/v1/apps/start",
		.body = body,
		.body_len = body ? strlen(body) : 0,
		.total_timeout_ms = START_TIMEOUT_MS,
	};

	if (!body) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return call(app, &http, &response, e);
}

int broker_stop(struct app *app, const char *sandbox_id, struct err *e)
{
	char url[128];
	auto_http_response response = {0};
	struct http_request http = {
		.method = "POST",
		.url = url,
		.body = "{}",
		.body_len = 2,
		.total_timeout_ms = STOP_TIMEOUT_MS,
	};

	snprintf(url, sizeof(url), "http://sandboxd/v1/sandboxes/%s/stop", sandbox_id);
	if (!call(app, &http, &response, e)) {
		return 0;
	}
	return response.status == 404 ? 0 : -1;
}

int broker_delete(struct app *app, const char *sandbox_id, struct err *e)
{
	char url[128];
	auto_http_response response = {0};
	struct http_request http = {
		.method = "DELETE",
		.url = url,
		.total_timeout_ms = DELETE_TIMEOUT_MS,
	};

	snprintf(url, sizeof(url), "http://sandboxd/v1/sandboxes/%s", sandbox_id);
	if (!call(app, &http, &response, e)) {
		return 0;
	}
	return response.status == 404 ? 0 : -1;
}
