#include "calls.h"

#include "cleanup.h"
#include "driver.h"
#include "image_builder.h"
#include "jobs.h"
#include "json.h"
#include "places.h"
#include "sandbox.h"
#include "settings.h"
#include "worker.h"

#include <stddef.h>
#include <string.h>

#define BODY_MAX_BYTES 4096
#define HEALTH_PING_MS 500 /* within what /readyz gives us */

int calls_status_of(enum err_kind kind)
{
	static const int statuses[] = {
		[ERR_INTERNAL] = 500,	   [ERR_INVALID] = 400,	     [ERR_UNAUTHENTICATED] = 401,
		[ERR_FORBIDDEN] = 403,	   [ERR_NOT_FOUND] = 404,    [ERR_CONFLICT] = 409,
		[ERR_PRECONDITION] = 412,  [ERR_TOO_LARGE] = 413,    [ERR_UNSUPPORTED] = 415,
		[ERR_UNPROCESSABLE] = 422, [ERR_RATE_LIMITED] = 429, [ERR_CANCELLED] = 499,
		[ERR_UPSTREAM] = 502,	   [ERR_UNAVAILABLE] = 503,  [ERR_TIMEOUT] = 504,
		[ERR_NO_SPACE] = 507,
	};

	return (size_t)kind < ARRAY_LEN(statuses) ? statuses[kind] : 500;
}

static json_t *sandbox_json(const struct sandbox_row *row)
{
	json_t *project = row->project_id[0] ? json_string(row->project_id) : json_null();
	json_t *version =
		row->hydrated_version >= 0 ? json_integer(row->hydrated_version) : json_null();

	return json_pack("{s:s,s:s,s:o,s:s,s:s,s:s,s:s,s:I,s:o}", "id", row->id, "user_id",
			 row->user_id, "project_id", project, "profile", row->profile, "state",
			 sandbox_state_name(row->state), "phase", row->phase, "agent_socket",
			 row->agent_socket, "host_uid", (json_int_t)row->host_uid,
			 "hydrated_version", version);
}

struct ensure_request {
	const char *user_id, *project_id, *profile;
};

static int parse_ensure(const json_t *body, struct ensure_request *ret, struct err *e)
{
	static const char *const profiles[] = {"script", "app", NULL};
	static const struct json_field fields[] = {
		{.name = "user_id",
		 .type = JSON_FIELD_STRING,
		 .required = true,
		 .min = 36,
		 .max = 36,
		 .offset = offsetof(struct ensure_request, user_id)},
		{.name = "project_id",
		 .type = JSON_FIELD_STRING,
		 .nullable = true,
		 .min = 36,
		 .max = 36,
		 .offset = offsetof(struct ensure_request, project_id)},
		{.name = "profile",
		 .type = JSON_FIELD_STRING,
		 .required = true,
		 .min = 1,
		 .max = 16,
		 .offset = offsetof(struct ensure_request, profile),
		 .one_of = profiles},
	};

	*ret = (struct ensure_request){0};
	if (json_read(body, fields, ARRAY_LEN(fields), ret, e) < 0) {
		return -1;
	}
	if (!uuid_valid(ret->user_id) || (ret->project_id && !uuid_valid(ret->project_id))) {
		return err_set(e, ERR_INVALID, "user_id and project_id must be UUIDs");
	}
	if (!ret->project_id && strcmp(ret->profile, "app") == 0) {
		return err_set(e, ERR_INVALID, "a sandbox of profile app is a project's");
	}
	return 0;
}

static int ensure(struct worker *w, const struct ensure_request *rq, struct sandbox_row *ret,
		  struct err *e)
{
	struct err why;
	bool room;

	if (sandbox_ensure(w, rq->user_id, rq->project_id, NULL, NULL, ret, e) == 0) {
		return 0;
	}
	if (e->kind != ERR_RATE_LIMITED || places_make_room(w, rq->user_id, &room, &why) < 0 ||
	    !room) {
		return -1;
	}
	return sandbox_ensure(w, rq->user_id, rq->project_id, NULL, NULL, ret, e);
}

static int call_ensure(struct worker *w, const struct call *call, const char *id, int *ret_status,
		       json_t **ret_body, struct err *e)
{
	auto_json *body = NULL;
	struct ensure_request request;
	struct sandbox_row row;

	(void)id;
	if (json_parse(call->body, call->body_len, BODY_MAX_BYTES, &body, e) < 0 ||
	    parse_ensure(body, &request, e) < 0 || ensure(w, &request, &row, e) < 0) {
		return -1;
	}
	*ret_status = 200;
	*ret_body = sandbox_json(&row);
	return 0;
}

struct app_request {
	const char *user_id, *project_id;
	bool restart;
};

#define APP_FIELD(member)                                                                          \
	{                                                                                          \
		.name = #member, .type = JSON_FIELD_STRING, .required = true, .min = 36,           \
		.max = 36, .offset = offsetof(struct app_request, member)                          \
	}

static int check_app_request(const struct app_request *rq, struct err *e)
{
	if ((rq->user_id && !uuid_valid(rq->user_id)) || !uuid_valid(rq->project_id)) {
		return err_set(e, ERR_INVALID, "user_id and project_id must be UUIDs");
	}
	return 0;
}

/* Answered at once: the row says "waiting" until a thread gets to it. */
static int submit(struct worker *w, const struct app_request *rq, bool wake,
		  struct sandbox_row *ret, struct err *e)
{
	if (sandbox_of_project(w, rq->user_id, rq->project_id, ret, e) < 0 ||
	    store_begin_start(w->db, ret->id, e) < 0 || store_find(w->db, ret->id, ret, e) < 0) {
		return -1;
	}
	/* Last, because a thread may be quick to change the row. */
	return jobs_submit(w->sandboxd->jobs, rq->user_id, rq->project_id, rq->restart, wake, e);
}

static int call_app_start(struct worker *w, const struct call *call, const char *id,
			  int *ret_status, json_t **ret_body, struct err *e)
{
	static const struct json_field fields[] = {
		APP_FIELD(user_id),
		APP_FIELD(project_id),
		{.name = "restart",
		 .type = JSON_FIELD_BOOL,
		 .offset = offsetof(struct app_request, restart)},
	};
	struct app_request rq = {0};
	auto_json *body = NULL;
	struct sandbox_row row;

	(void)id;
	if (json_parse(call->body, call->body_len, BODY_MAX_BYTES, &body, e) < 0 ||
	    json_read(body, fields, ARRAY_LEN(fields), &rq, e) < 0 ||
	    check_app_request(&rq, e) < 0 || submit(w, &rq, false, &row, e) < 0) {
		return -1;
	}
	*ret_status = 202;
	*ret_body = sandbox_json(&row);
	return 0;
}

static int check_may_wake(const struct project_row *project, struct err *e)
{
	if (project->head_version == 0) {
		return err_set(e, ERR_NOT_FOUND, "the project has no files yet");
	}
	if (project->app_stopped) {
		return err_set(e, ERR_CONFLICT, "the app was stopped by its owner");
	}
	return 0;
}

static int call_app_wake(struct worker *w, const struct call *call, const char *id, int *ret_status,
			 json_t **ret_body, struct err *e)
{
	static const struct json_field fields[] = {APP_FIELD(project_id)};
	struct app_request rq = {0};
	struct project_row project;
	auto_json *body = NULL;
	struct sandbox_row row;

	(void)id;
	if (json_parse(call->body, call->body_len, BODY_MAX_BYTES, &body, e) < 0 ||
	    json_read(body, fields, ARRAY_LEN(fields), &rq, e) < 0 ||
	    check_app_request(&rq, e) < 0 ||
	    store_find_project(w->db, rq.project_id, &project, e) < 0 ||
	    check_may_wake(&project, e) < 0) {
		return -1;
	}
	rq.user_id = project.user_id;
	if (submit(w, &rq, true, &row, e) < 0) {
		return -1;
	}
	*ret_status = 202;
	*ret_body = json_pack("{s:s}", "phase", row.phase);
	return 0;
}

static int call_stop(struct worker *w, const struct call *call, const char *id, int *ret_status,
		     json_t **ret_body, struct err *e)
{
	struct sandbox_row row;

	(void)call;
	if (sandbox_stop(w, id, "asked to", &row, e) < 0) {
		return -1;
	}
	*ret_status = 200;
	*ret_body = sandbox_json(&row);
	return 0;
}

static int call_delete(struct worker *w, const struct call *call, const char *id, int *ret_status,
		       json_t **ret_body, struct err *e)
{
	(void)call;
	if (sandbox_delete(w, id, e) < 0) {
		return -1;
	}
	*ret_status = 204;
	*ret_body = NULL;
	return 0;
}

static int call_list(struct worker *w, const struct call *call, const char *id, int *ret_status,
		     json_t **ret_body, struct err *e)
{
	auto_free struct sandbox_row *rows = NULL;
	json_t *items;
	size_t n;

	(void)call;
	(void)id;
	if (store_list(w->db, &rows, &n, e) < 0) {
		return -1;
	}
	items = json_array();
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(items, sandbox_json(&rows[i]));
	}
	*ret_status = 200;
	*ret_body = json_pack("{s:o}", "items", items);
	return 0;
}

static json_t *part(int rc, const struct err *e)
{
	return json_pack("{s:b,s:s}", "ok", rc == 0, "detail", rc == 0 ? "" : e->text);
}

static int call_health(struct worker *w, const struct call *call, const char *id, int *ret_status,
		       json_t **ret_body, struct err *e)
{
	const struct driver_ops *ops = w->driver->ops;
	char image[DRIVER_ID_BYTES], building[ERR_TEXT_MAX_BYTES];
	json_t *docker, *database, *sandbox_image;
	struct err why = {0};
	int rc;

	(void)call;
	(void)id;
	(void)e;
	rc = ops->ping(w->driver, HEALTH_PING_MS, &why);
	docker = part(rc, &why);
	if (rc == 0) {
		rc = ops->image_find(w->driver, w->sandboxd->settings->sandbox_image, image, &why);
	}
	sandbox_image = part(rc, &why);
	database = part(store_ping(w->db, &why), &why);
	image_builder_detail(w->sandboxd->images, building, sizeof(building));
	if (!json_is_true(json_object_get(sandbox_image, "ok")) && building[0] != '\0') {
		json_object_set_new(sandbox_image, "detail", json_string(building));
	}
	*ret_status = 200;
	*ret_body = json_pack("{s:o,s:o,s:o}", "docker", docker, "database", database, "image",
			      sandbox_image);
	return 0;
}

#define WAKE_PATH "/v1/apps/wake"

bool calls_is_wake(const struct call *call)
{
	return http_slice_is(call->method, "POST") && http_slice_is(call->path, WAKE_PATH);
}

/* "{id}" in a path stands for a UUID. */
static const struct {
	const char *method, *before, *after;
	bool has_id;
	int (*handle)(struct worker *w, const struct call *call, const char *id, int *ret_status,
		      json_t **ret_body, struct err *e);
} call_table[] = {
	{"POST", "/v1/sandboxes/ensure", "", false, call_ensure},
	{"POST", "/v1/apps/start", "", false, call_app_start},
	{"POST", WAKE_PATH, "", false, call_app_wake},
	{"POST", "/v1/sandboxes/", "/stop", true, call_stop},
	{"DELETE", "/v1/sandboxes/", "", true, call_delete},
	{"GET", "/v1/sandboxes", "", false, call_list},
	{"GET", "/v1/health", "", false, call_health},
};

/* Whether the path is before + id + after; copies the id. */
static bool matches(struct http_slice path, const char *before, const char *after, bool has_id,
		    char id[UUID_TEXT_BYTES])
{
	size_t head = strlen(before), tail = strlen(after), middle = has_id ? 36 : 0;

	if (path.len != head + middle + tail || memcmp(path.at, before, head) != 0 ||
	    memcmp(path.at + head + middle, after, tail) != 0) {
		return false;
	}
	memcpy(id, path.at + head, middle);
	id[middle] = '\0';
	return !has_id || uuid_valid(id);
}

int calls_dispatch(struct worker *w, const struct call *call, int *ret_status, json_t **ret_body,
		   struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(call_table); i++) {
		char id[UUID_TEXT_BYTES];

		if (http_slice_is(call->method, call_table[i].method) &&
		    matches(call->path, call_table[i].before, call_table[i].after,
			    call_table[i].has_id, id)) {
			return call_table[i].handle(w, call, id, ret_status, ret_body, e);
		}
	}
	return err_set(e, ERR_NOT_FOUND, "there is no such call");
}
