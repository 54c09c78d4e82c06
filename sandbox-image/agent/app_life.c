#include "app_error.h"
#include "app_private.h"
#include "cleanup.h"
#include "clock.h"
#include "code_env.h"
#include "json.h"
#include "oom.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* A crash after this long is started again by itself, but not soon again. */
#define RAN_WELL_MS	 (30 * 1000)
#define RESTART_AGAIN_MS (10 * 60 * 1000)

static void begin(struct app *app);

bool app_has_process(const struct app *app)
{
	return app->process.active;
}

static void forget_results(struct app *app)
{
	app->exit_code = -1;
	app->signal[0] = '\0';
	app->install_ms = app->start_ms = -1;
	app->planned = false;
	app_set_error(app, NULL, 0);
}

/* The end for now: why, and in the words of what ran. */
static void crash(struct app *app, const char *why, bool with_output)
{
	auto_strbuf text = {0}, found = {0};

	strbuf_init(&text, ERR_TEXT_MAX_BYTES + APP_ERROR_MAX_BYTES + 8);
	strbuf_init(&found, 2 * APP_ERROR_MAX_BYTES);
	strbuf_adds(&text, why);
	if (with_output) {
		app_error_find(&app->log, app->phase, app->process_log_id, &found);
	}
	if (found.len > 0) {
		strbuf_addf(&text, ": %s", found.data);
	}
	app_set_error(app, text.data, text.len);
	app_say(app, "%s", why);
	app_set_state(app, APP_CRASHED);
}

static struct run_request *make_request(struct app *app, enum app_log_source phase, struct err *e)
{
	const char *argv[PLAN_ARGS_MAX];
	auto_json *env = json_copy(app->agent->code_env);
	struct run_request *rq;

	if (!env || code_env_add_app(env) < 0 ||
	    (app->env && json_object_update(env, app->env) < 0)) {
		err_set(e, ERR_INTERNAL, "out of memory");
		return NULL;
	}
	if (phase == APP_LOG_INSTALL) {
		plan_install_command(&app->plan, app->frozen, argv);
	} else {
		plan_command(&app->plan, argv);
	}
	if (run_request_make(argv, env, &rq, e) < 0) {
		return NULL;
	}
	if (phase == APP_LOG_INSTALL) {
		rq->timeout_ms = app->agent->settings.install_timeout_ms;
	}
	return rq;
}

static void say_command(struct app *app, const struct run_request *rq)
{
	char text[PATH_MAX_BYTES + 256] = "";
	size_t len = 0;

	for (size_t i = 0; rq->argv[i] && len < sizeof(text); i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %s", rq->argv[i]);
	}
	app_say(app, "$%s", text);
}

static int launch(struct app *app, const struct run_request *rq, struct err *e)
{
	struct app_pipes p;
	struct spawn_stdio stdio;
	int result;

	if (app_output_open(app, &p, e) < 0) {
		return -1;
	}
	stdio = (struct spawn_stdio){.in = p.in[0], .out = p.out[1], .err = p.err[1]};
	result = supervised_start(&app->process, rq, &stdio, e);
	app_output_close_pipes(&p);
	if (result < 0) {
		app_output_end(app);
	}
	return result;
}

static void lend_lockfile(struct app *app)
{
	const struct settings *s = &app->agent->settings;

	if (app->plan.manager == PLAN_YARN && !app->plan.berry && s->registry[0] != '\0') {
		yarn_lock_point_at(&app->agent->workspace, s->registry, app->lock_origin);
	}
}

static void return_lockfile(struct app *app)
{
	char ignored[YARN_LOCK_ORIGIN_MAX_BYTES];

	if (app->lock_origin[0] != '\0') {
		yarn_lock_point_at(&app->agent->workspace, app->lock_origin, ignored);
		app->lock_origin[0] = '\0';
	}
}

static void run_phase(struct app *app, enum app_log_source phase)
{
	struct run_request *rq;
	struct err e;
	int result;

	app->phase = phase;
	app->misfit = false;
	app->next = APP_NEXT_NOTHING;
	app->process_since_ms = clock_mono_ms();
	app->process_log_id = app_log_last_id(&app->log) + 1;
	app->oom_kills = oom_kills(OOM_CGROUP_ROOT);
	rq = make_request(app, phase, &e);
	if (!rq) {
		crash(app, e.text, false);
		return;
	}
	say_command(app, rq);
	if (phase == APP_LOG_INSTALL) {
		lend_lockfile(app);
	}
	result = launch(app, rq, &e);
	run_request_destroy(rq);
	if (result < 0) {
		return_lockfile(app);
		crash(app, e.text, false);
		return;
	}
	if (phase == APP_LOG_APP) {
		app_listen_begin(app);
	}
	app_set_state(app, phase == APP_LOG_INSTALL ? APP_INSTALLING : APP_STARTING);
}

static void begin(struct app *app)
{
	struct err e;

	app->starts++;
	app->phase = APP_LOG_APP;
	forget_results(app);
	if (plan_make(&app->agent->workspace, &app->plan, &e) < 0) {
		crash(app, e.text, false);
		return;
	}
	app->planned = true;
	if (app->shared_modules) {
		app->plan.install = false;
	}
	app->frozen = app->plan.lockfile != NULL;
	run_phase(app, app->plan.install ? APP_LOG_INSTALL : APP_LOG_APP);
}

/* "ended with exit code 1", "was ended by SIGKILL" */
static void describe_end(const struct app *app, char *ret, size_t cap)
{
	if (app->signal[0]) {
		(void)snprintf(ret, cap, "was ended by %s", app->signal);
	} else {
		(void)snprintf(ret, cap, "ended with exit code %d", app->exit_code);
	}
}

static void note_end(struct app *app, int status)
{
	const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

	app->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	app->signal[0] = '\0';
	if (name) {
		(void)snprintf(app->signal, sizeof(app->signal), "SIG%s", name);
	} else if (WIFSIGNALED(status)) {
		(void)snprintf(app->signal, sizeof(app->signal), "SIG%d", WTERMSIG(status));
	}
}

static void install_ended(struct app *app, const struct supervisor_msg *m)
{
	char end[64], why[256];

	if (m->timed_out) {
		(void)snprintf(why, sizeof(why), "installing took longer than %lld s",
			       (long long)(app->agent->settings.install_timeout_ms / 1000));
		crash(app, why, false);
		return;
	}
	if (app->exit_code == 0) {
		app->install_ms =
			app->install_ms < 0 ? m->duration_ms : app->install_ms + m->duration_ms;
		app->exit_code = -1;
		plan_write_stamp(&app->plan, &app->agent->workspace);
		run_phase(app, APP_LOG_APP);
		return;
	}
	if (app->frozen && app->misfit) {
		app_say(app, "the lockfile does not fit package.json: installing without it being "
			     "fixed");
		app->frozen = false;
		app->install_ms = m->duration_ms;
		run_phase(app, APP_LOG_INSTALL);
		return;
	}
	describe_end(app, end, sizeof(end));
	(void)snprintf(why, sizeof(why), "installing packages failed (the package manager %s)",
		       end);
	crash(app, why, true);
}

static bool may_restart(const struct app *app)
{
	int64_t now = clock_mono_ms();

	return app->start_ms >= 0 && now - app->process_since_ms >= RAN_WELL_MS &&
	       (app->restarted_ms == 0 || now - app->restarted_ms >= RESTART_AGAIN_MS);
}

static void app_ended(struct app *app, bool listened, bool oom)
{
	char end[64], why[192];

	if (app->exit_code == 0 && !listened) {
		app_say(app, "the app ended without having listened on a port");
		app_set_state(app, APP_EXITED);
		return;
	}
	describe_end(app, end, sizeof(end));
	(void)snprintf(why, sizeof(why), "the app %s%s", end,
		       oom ? ", because the sandbox has no memory left" : "");
	crash(app, why, true);
	if (may_restart(app)) {
		app->restarted_ms = clock_mono_ms();
		app_say(app, "starting it again, this once");
		begin(app);
	}
}

static void on_ended(struct supervised *s, const struct supervisor_msg *m)
{
	struct app *app = s->owner;
	enum app_next next = app->next;
	bool listened = app->start_ms >= 0;
	bool oom = oom_kills(OOM_CGROUP_ROOT) > app->oom_kills;

	app_output_end(app);
	app_listen_end(app);
	return_lockfile(app);
	app->next = APP_NEXT_NOTHING;
	switch (next) {
	case APP_NEXT_STOPPED:
		forget_results(app);
		app_set_state(app, APP_STOPPED);
		break;
	case APP_NEXT_START:
		begin(app);
		break;
	case APP_NEXT_CRASHED:
		app_set_state(app, APP_CRASHED);
		break;
	case APP_NEXT_NOTHING:
		if (m->type == SUPERVISOR_FAILED) {
			crash(app, m->error.text, false);
			break;
		}
		note_end(app, m->wait_status);
		if (app->phase == APP_LOG_INSTALL) {
			install_ended(app, m);
		} else {
			app_ended(app, listened, oom);
		}
		break;
	}
	app_calls_answer_stopping(app);
}

static void on_started(struct supervised *s, pid_t pid)
{
	(void)s;
	(void)pid;
}

void app_program_ended(struct app *app, enum app_state state)
{
	if (!app_has_process(app) || app->next != APP_NEXT_NOTHING) {
		return;
	}
	app->told_ms = clock_mono_ms();
	if (state == APP_CRASHED) {
		crash(app, "the app ended with an error; it is started again when a file changes",
		      true);
	} else {
		app_set_state(app, state);
	}
}

void app_give_up(struct app *app, const char *why)
{
	crash(app, why, true);
	app->next = APP_NEXT_CRASHED;
	supervised_terminate(&app->process);
}

/* A package manager may be killed: what it leaves is installed again, because the stamp is missing.
 */
static void end_process(struct app *app, enum app_next next)
{
	bool told = app->next != APP_NEXT_NOTHING;

	app->next = next;
	if (app->phase == APP_LOG_INSTALL) {
		supervised_kill(&app->process);
	} else if (!told) {
		supervised_terminate(&app->process);
	}
}

static bool goes_on(const struct app *app)
{
	if (app->next == APP_NEXT_START) {
		return true;
	}
	return app->next == APP_NEXT_NOTHING &&
	       (app->state == APP_INSTALLING || app->state == APP_STARTING ||
		app->state == APP_RUNNING);
}

void app_start(struct app *app, json_t *env, bool shared_modules, bool restart)
{
	if (goes_on(app) && !restart) {
		return;
	}
	json_decref(app->env);
	app->env = json_incref(env);
	app->shared_modules = shared_modules;
	app->restarted_ms = 0;
	if (app_has_process(app)) {
		end_process(app, APP_NEXT_START);
		app_set_state(app, APP_STARTING);
	} else {
		begin(app);
	}
}

bool app_stop(struct app *app)
{
	if (app_has_process(app)) {
		end_process(app, APP_NEXT_STOPPED);
		return false;
	}
	forget_results(app);
	app_set_state(app, APP_STOPPED);
	return true;
}

void app_life_init(struct app *app)
{
	supervised_init(&app->process, app->agent, app);
	app->process.started = on_started;
	app->process.ended = on_ended;
	app->out.fd = app->err.fd = app->input_fd = -1;
}
