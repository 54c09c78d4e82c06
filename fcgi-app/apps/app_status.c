#include "apps/app_status.h"

#include "apps/agent_app.h"
#include "cleanup.h"
#include "db.h"
#include "http/request.h"
#include "json.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* An honest agent answers in a millisecond; a hostile one holds a short worker for no longer. */
#define AGENT_TIMEOUT_MS 300
#define DETAIL_BYTES	 1024

/* What a start is doing on the host, as a state of the app and in words. */
static const struct {
	const char *phase, *state, *words;
} phases[] = {
	{"waiting", "waiting", "Waiting for a place on this host."},
	{"packages", "installing", "Preparing the packages; this is done once for a lockfile."},
	{"sandbox", "preparing", "Preparing the sandbox."},
	{"files", "preparing", "Writing the files into the sandbox."},
	{"app", "starting", "Starting."},
};

static void take_row(const struct db_result *r, struct app_row *ret)
{
	*ret = (struct app_row){
		.head_version = db_get_int(r, 0, 2),
		.stopped_by_owner = db_get_bool(r, 0, 3),
		.has_sandbox = !db_is_null(r, 0, 4),
		.shared_modules = db_get_bool(r, 0, 10),
		.for_ms = db_get_int(r, 0, 11),
	};
	snprintf(ret->project_id, sizeof(ret->project_id), "%s", db_get(r, 0, 0));
	snprintf(ret->slug, sizeof(ret->slug), "%s", db_get(r, 0, 1));
	snprintf(ret->sandbox.id, sizeof(ret->sandbox.id), "%s", db_get(r, 0, 4));
	snprintf(ret->sandbox.agent_socket, sizeof(ret->sandbox.agent_socket), "%s",
		 db_get(r, 0, 5));
	snprintf(ret->state, sizeof(ret->state), "%s", db_get(r, 0, 6));
	snprintf(ret->phase, sizeof(ret->phase), "%s", db_get(r, 0, 7));
	snprintf(ret->error, sizeof(ret->error), "%s", db_get(r, 0, 8));
	snprintf(ret->epoch, sizeof(ret->epoch), "%s", db_get(r, 0, 12));
	snprintf(ret->replaced_run, sizeof(ret->replaced_run), "%s", db_get(r, 0, 13));
	ret->sandbox.hydrated_version = db_is_null(r, 0, 9) ? -1 : db_get_int(r, 0, 9);
}

int app_row_get(struct app *app, const char *project_id, const char *user_id, struct app_row *ret,
		struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(app->db,
		     "SELECT p.id, p.slug, p.head_version, p.app_stopped, s.id, s.agent_socket,"
		     " coalesce(s.actual_state, 'stopped'), coalesce(s.phase, ''),"
		     " coalesce(s.error, ''), s.hydrated_version, s.tree_key IS NOT NULL,"
		     " greatest(0, extract(epoch FROM now() - s.updated_at) * 1000)::bigint,"
		     " md5(coalesce(s.relay_secret, '')),"
		     " CASE WHEN p.replaced_at > now() - make_interval(secs => $3::bigint)"
		     "  THEN p.replaced_run END"
		     " FROM projects p LEFT JOIN sandboxes s ON s.project_id = p.id"
		     "  AND s.profile = 'app' AND s.desired_state <> 'removed'"
		     " WHERE p.id = $1 AND p.user_id = $2 AND p.deleted_at IS NULL",
		     DB_ARGS(db_text(project_id), db_text(user_id), db_int(REPLACED_RUN_S)), &r,
		     e)) {
		return -1;
	}
	if (db_rows(r) == 0) {
		return err_set(e, ERR_NOT_FOUND, "there is no such project");
	}
	take_row(r, ret);
	return ret->has_sandbox ? sandbox_check_socket(app, &ret->sandbox, e) : 0;
}

int app_row_of_request(struct app *app, const struct request *rq, struct app_row *ret,
		       struct err *e)
{
	const char *id;

	if (request_uuid(rq, 0, &id, e)) {
		return -1;
	}
	return app_row_get(app, id, rq->user.id, ret, e);
}

bool app_row_is_up(const struct app_row *row)
{
	return row->has_sandbox && strcmp(row->state, "running") == 0;
}

/* Only while no start is preparing it: until then what the agent says is about the app before. */
static bool agent_tells(const struct app_row *row)
{
	return app_row_is_up(row) && (row->phase[0] == '\0' || strcmp(row->phase, "app") == 0);
}

/* What is known without the agent; `words` may be empty. */
static const char *host_state(const struct app_row *row, const char **ret_words)
{
	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		if (strcmp(row->phase, phases[i].phase) == 0) {
			*ret_words = phases[i].words;
			return phases[i].state;
		}
	}
	if (strcmp(row->state, "failed") == 0) {
		*ret_words = row->error[0] ? row->error : "The sandbox could not be started.";
		return "failed";
	}
	if (strcmp(row->state, "starting") == 0) {
		*ret_words = "Preparing the sandbox.";
		return "preparing";
	}
	if (app_row_is_up(row)) {
		*ret_words = "The sandbox is busy and does not answer at the moment.";
		return "preparing";
	}
	*ret_words = row->stopped_by_owner    ? "Stopped; start it to see it."
		     : row->head_version == 0 ? "There are no files yet."
					      : "Asleep; it wakes when somebody opens its preview.";
	return "stopped";
}

static const char *shown_text(const struct agent_app *a, const char *name)
{
	return json_string_value(json_object_get(a->shown, name));
}

static const char *plan_text(const struct agent_app *a, const char *name)
{
	return json_string_value(json_object_get(json_object_get(a->shown, "plan"), name));
}

static void with_command(char *buf, const char *words, const char *command)
{
	snprintf(buf, DETAIL_BYTES, command ? "%s (%.*s)." : "%s.", words, AGENT_APP_TEXT_MAX_BYTES,
		 command ? command : "");
}

/* What the agent says, in words. */
static void agent_words(const struct agent_app *a, char ret_detail[DETAIL_BYTES])
{
	const char *error = shown_text(a, "error");

	switch (a->state) {
	case AGENT_APP_STOPPED:
		snprintf(ret_detail, DETAIL_BYTES,
			 "The sandbox is awake, the app was not started.");
		break;
	case AGENT_APP_INSTALLING:
		with_command(ret_detail, "Installing packages", plan_text(a, "install"));
		break;
	case AGENT_APP_STARTING:
		with_command(ret_detail, "Starting", plan_text(a, "command"));
		break;
	case AGENT_APP_RUNNING:
		snprintf(ret_detail, DETAIL_BYTES, "Running on port %" PRId64 ".", a->port);
		break;
	case AGENT_APP_CRASHED:
		snprintf(ret_detail, DETAIL_BYTES, "%.*s", DETAIL_BYTES - 4,
			 error ? error : "It ended with an error; its output says more.");
		break;
	case AGENT_APP_EXITED:
		snprintf(ret_detail, DETAIL_BYTES, "It ended without listening on a port.");
		break;
	}
}

struct status {
	const char *state, *detail;
	char buf[DETAIL_BYTES];
	struct agent_app agent; /* zeroed: not asked, or no answer */
};

static void look(struct app *app, const struct app_row *row, struct status *s)
{
	struct err e;

	s->state = host_state(row, &s->detail);
	if (!agent_tells(row)) {
		return;
	}
	if (agent_app_get(app, row->sandbox.agent_socket, AGENT_TIMEOUT_MS, &s->agent, &e)) {
		log_err(LOG_INFO, "app_state_unknown", &e);
		return;
	}
	if ((s->agent.state == AGENT_APP_STOPPED && row->phase[0]) ||
	    replaced_run_is(row, &s->agent)) {
		s->state = "starting"; /* it was not told yet */
		s->detail = "Starting.";
		return;
	}
	s->state = agent_app_state_name(s->agent.state);
	agent_words(&s->agent, s->buf);
	s->detail = s->buf;
}

/* A text of ours, cut where the buffer ended; what a cut character leaves is dropped. */
static json_t *words_json(const char *words)
{
	size_t len = strlen(words);
	json_t *text = json_stringn(words, len);

	for (size_t cut = 1; !text && cut < 4 && cut <= len; cut++) {
		text = json_stringn(words, len - cut);
	}
	return text ? text : json_string("");
}

/* Members the agent tells, and those of the row where it tells none. */
static int add_shown(json_t *object, const struct app_row *row, const struct status *s)
{
	const bool failed = strcmp(s->state, "failed") == 0;

	if (s->agent.shown && s->detail == s->buf) {
		return json_object_update(object, s->agent.shown);
	}
	return json_object_update_new(
		object,
		json_pack("{s:o,s:n,s:[],s:n,s:n,s:n,s:o,s:n,s:n}", "for_ms",
			  row->has_sandbox ? json_integer(row->for_ms) : json_null(), "port",
			  "ports", "plan", "exit_code", "signal", "error",
			  failed ? words_json(s->detail) : json_null(), "install_ms", "start_ms"));
}

int app_status_json(struct app *app, const struct app_row *row, json_t **ret, struct err *e)
{
	struct preview_base base;
	struct status s = {0};
	char url[sizeof(base.before) + PREVIEW_LABEL_BYTES + sizeof(base.after)];
	int64_t hydrated = row->has_sandbox ? row->sandbox.hydrated_version : -1;
	json_t *object;

	preview_base_of(app->config, &base);
	snprintf(url, sizeof(url), "%s%s%s", base.before, row->slug, base.after);
	look(app, row, &s);
	object = json_pack("{s:s,s:s,s:o,s:s,s:b,s:I,s:o}", "state", s.state, "phase", row->phase,
			   "detail", words_json(s.detail), "preview_url", url, "stopped_by_owner",
			   row->stopped_by_owner, "version", (json_int_t)row->head_version,
			   "hydrated_version", hydrated < 0 ? json_null() : json_integer(hydrated));
	if (!object || add_shown(object, row, &s)) {
		agent_app_fini(&s.agent);
		json_decref(object);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	agent_app_fini(&s.agent);
	*ret = object;
	return 0;
}
