#include "cleanup.h"
#include "config.h"
#include "exec/agent_client.h"
#include "exec/handlers.h"
#include "exec/run_record.h"
#include "exec/run_sink.h"
#include "exec/sandbox.h"
#include "log.h"
#include "path.h"
#include "projects/entry.h"
#include "projects/projects.h"

#include <stdio.h>
#include <string.h>

#define STDIN_MAX_BYTES	 (1024 * 1024)
#define CODE_HARD_MAX	 (10 * 1024 * 1024) /* SLIPWAY_CODE_MAX_BYTES is below */
#define TIMEOUT_HARD_MAX (24LL * 3600 * 1000)

struct execute_body {
	const char *code;
	const char *entry;
	const char *stdin_text;
	int64_t timeout_ms;
};

#define TIMEOUT_FIELD                                                                              \
	{                                                                                          \
		.name = "timeout_ms", .type = JSON_FIELD_INT, .nullable = true, .min = 1,          \
		.max = TIMEOUT_HARD_MAX, .offset = offsetof(struct execute_body, timeout_ms)       \
	}
#define STDIN_FIELD                                                                                \
	{                                                                                          \
		.name = "stdin", .type = JSON_FIELD_STRING, .nullable = true,                      \
		.max = STDIN_MAX_BYTES, .offset = offsetof(struct execute_body, stdin_text)        \
	}

const struct json_field execute_fields[3] = {
	{.name = "code",
	 .type = JSON_FIELD_STRING,
	 .required = true,
	 .min = 1,
	 .max = CODE_HARD_MAX,
	 .offset = offsetof(struct execute_body, code)},
	TIMEOUT_FIELD,
	STDIN_FIELD,
};

const struct json_field project_execute_fields[4] = {
	{.name = "entry",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .min = 1,
	 .max = PATH_MAX_BYTES,
	 .offset = offsetof(struct execute_body, entry)},
	{.name = "code",
	 .type = JSON_FIELD_STRING,
	 .nullable = true,
	 .min = 1,
	 .max = CODE_HARD_MAX,
	 .offset = offsetof(struct execute_body, code)},
	TIMEOUT_FIELD,
	STDIN_FIELD,
};

static int check_limits(const struct app *app, struct execute_body *body, struct err *e)
{
	int64_t timeout_max_ms = config_int(app->config, CFG_RUN_TIMEOUT_MS);
	int64_t code_max_bytes = config_int(app->config, CFG_CODE_MAX_BYTES);

	if (body->code && strlen(body->code) > (size_t)code_max_bytes) {
		return err_set(e, ERR_TOO_LARGE, "code is larger than %lld bytes",
			       (long long)code_max_bytes);
	}
	if (body->timeout_ms > timeout_max_ms) {
		return err_set(e, ERR_INVALID,
			       "timeout_ms is more than the %lld this server allows",
			       (long long)timeout_max_ms);
	}
	if (body->timeout_ms == 0) {
		body->timeout_ms = timeout_max_ms;
	}
	return 0;
}

/* A run of one request: where, what, and where its output goes. */
struct job {
	struct app *app;
	const struct request *rq;
	const char *project_id; /* NULL: the user's own sandbox */
	int64_t version;	/* that the workspace must hold; 0: whatever is there */
	struct sandbox sandbox;
	struct run_request run;
	struct run_sink sink;
	bool agent_asked; /* else PostgreSQL or sandboxd failed, and asking again would hide which
			   */
};

static int run_once(struct job *j, bool force, struct run_result *ret, struct err *e)
{
	struct run_callbacks cb = run_sink_callbacks(&j->sink);

	if (sandbox_get(j->app, j->rq->user.id, j->project_id, force, &j->sandbox, e)) {
		return -1;
	}
	j->agent_asked = true;
	if (j->version > 0 && j->sandbox.hydrated_version != j->version &&
	    sandbox_hydrate(j->app, &j->sandbox, j->project_id, j->version, e)) {
		return -1;
	}
	return agent_run(j->app, j->sandbox.agent_socket, &j->run, &cb, ret, e);
}

/* A running row whose agent is gone: sandboxd brings it back, once. Nothing has run by then. */
static int run_with_retry(struct job *j, struct run_result *ret, struct err *e)
{
	if (!run_once(j, false, ret, e)) {
		return 0;
	}
	if (e->kind != ERR_UNAVAILABLE || !j->agent_asked || response_started(j->sink.rs)) {
		return -1;
	}
	log_err(LOG_INFO, "sandbox_woken", e);
	return run_once(j, true, ret, e);
}

static int job_run(struct job *j, struct response *rs, struct err *e)
{
	char run_id[UUID_TEXT_BYTES];
	struct run_result result;
	int rc;

	uuid_new(run_id);
	j->run.id = run_id;
	j->run.output_max_bytes = config_int(j->app->config, CFG_RUN_OUTPUT_MAX_BYTES);
	run_sink_init(&j->sink, j->rq, rs, j->run.output_max_bytes);
	rc = run_with_retry(j, &result, e);
	if (!rc) {
		rc = run_sink_finish(&j->sink, &result, e);
		run_record(j->app, run_id, j->rq->user.id, j->project_id, NULL, j->sandbox.id,
			   &result);
	} else {
		rc = run_sink_fail(&j->sink, e);
		if (!rc) { /* the edge logs only what it has to answer */
			log_err(LOG_WARN, "run_failed", e);
		}
	}
	if (rc && e->kind == ERR_RATE_LIMITED) {
		response_header(rs, "Retry-After", "2");
	}
	run_sink_fini(&j->sink);
	return rc;
}

int execute_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	static const char *const argv[] = {"node", "index.js", NULL};
	auto_json *object = NULL;
	struct execute_body body = {0};
	struct job job = {.app = app, .rq = rq};

	if (request_json(rq, &object, e) ||
	    json_read(object, execute_fields, ARRAY_LEN(execute_fields), &body, e) ||
	    check_limits(app, &body, e)) {
		return -1;
	}
	job.run = (struct run_request){
		.argv = argv,
		.write_path = argv[1],
		.write_content = body.code,
		.write_content_len = strlen(body.code),
		.stdin_text = body.stdin_text,
		.timeout_ms = body.timeout_ms,
	};
	return job_run(&job, rs, e);
}

static int read_project_body(struct app *app, const json_t *object, struct execute_body *body,
			     struct err *e)
{
	if (json_read(object, project_execute_fields, ARRAY_LEN(project_execute_fields), body, e) ||
	    check_limits(app, body, e)) {
		return -1;
	}
	if (body->code && body->entry) {
		return err_set(e, ERR_INVALID, "give entry or code, not both");
	}
	return 0;
}

int project_execute_post(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *object = NULL;
	struct execute_body body = {0};
	struct project_ref project;
	char entry[ENTRY_ARG_BYTES] = ENTRY_OF_CODE;
	const char *const argv[] = {"node", entry, NULL};
	struct job job = {.app = app, .rq = rq};

	if (project_of_request(app, rq, &project, e) || request_json(rq, &object, e) ||
	    read_project_body(app, object, &body, e)) {
		return -1;
	}
	if (!body.code && entry_find(app, project.id, project.head_version, body.entry, entry, e)) {
		return -1;
	}
	job.project_id = project.id;
	job.version = project.head_version;
	job.run = (struct run_request){
		.argv = argv,
		.write_path = body.code ? entry : NULL,
		.write_content = body.code,
		.write_content_len = body.code ? strlen(body.code) : 0,
		.stdin_text = body.stdin_text,
		.timeout_ms = body.timeout_ms,
	};
	return job_run(&job, rs, e);
}
