#include "app_private.h"
#include "clock.h"
#include "oom.h"

#include <stdlib.h>

#define FAST_MS	   5
#define WAITING_MS 50  /* a watcher waits for the next change of a file */
#define SLOW_MS	   250 /* it runs, and nobody waits for anything */

/* Until its processes have become the code's own, and can be looked at. */
#define YOUNG_MS 2000

/* A port that vanishes comes back when a watcher restarts its program; only then another is the
 * main one. */
#define COMES_BACK_MS 2000

/* Most watchers (tsx watch) say nothing when what they watch has ended: nothing listens for so
 * long, and the last that was heard is an error. */
#define SILENT_END_MS 10000

static void arm(struct app *app, int ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	(void)event_add(app->tick, &tv);
}

static int interval(const struct app *app)
{
	if (app->state == APP_STARTING || !TAILQ_EMPTY(&app->watchers)) {
		return FAST_MS;
	}
	return app->state == APP_RUNNING ? SLOW_MS : WAITING_MS;
}

static void on_answer(void *ctx, in_port_t port, enum app_ask_answer answer)
{
	struct app *app = ctx;
	struct app_port *p = app_ports_find(&app->ports, port);

	app_ask_destroy(app->ask);
	app->ask = NULL;
	if (p) {
		/* One that is silent is too busy to answer, until another is better. */
		p->http = answer == APP_ASK_HTTP;
		p->not_http = answer == APP_ASK_OTHER;
		p->silent = answer == APP_ASK_NOTHING;
	}
	app_listen_look(app);
}

static void ask_next(struct app *app)
{
	struct app_port *next = NULL;

	for (size_t i = 0; i < app->ports.n; i++) {
		struct app_port *p = &app->ports.list[i];

		if (!p->http && !p->not_http && !p->silent &&
		    (!next || p->since_ms < next->since_ms)) {
			next = p;
		}
	}
	if (next && !app->ask) {
		app->ask = app_ask_start(app->agent, &next->at, on_answer, app);
		next->not_http = !app->ask;
	}
}

/* The first that listened of those that are `http`, or else `silent`. */
static in_port_t first_of(const struct app_ports *ports, bool http)
{
	const struct app_port *first = NULL;

	for (size_t i = 0; i < ports->n; i++) {
		const struct app_port *p = &ports->list[i];

		if ((http ? p->http : p->silent) && (!first || p->since_ms < first->since_ms)) {
			first = p;
		}
	}
	return first ? listener_port(&first->at) : 0;
}

static in_port_t choose(struct app *app)
{
	const struct app_port *now;
	in_port_t port;

	if (app_ports_find(&app->ports, app->wanted_port)) {
		return app->wanted_port;
	}
	now = app->last_port ? app_ports_find(&app->ports, app->last_port) : NULL;
	if (now && !now->silent) {
		return app->last_port;
	}
	if (!now && app->last_port && clock_mono_ms() - app->lost_ms < COMES_BACK_MS) {
		return 0;
	}
	port = first_of(&app->ports, true);
	if (port == 0) {
		ask_next(app);
		port = first_of(&app->ports, false);
	}
	return port;
}

static void set_port(struct app *app, in_port_t port)
{
	if (port == app->port) {
		return;
	}
	app->port = port;
	if (port == 0) {
		app->lost_ms = clock_mono_ms();
		if (app->state == APP_RUNNING) {
			app_set_state(app, APP_STARTING);
		}
		return;
	}
	app->last_port = port;
	if (app->start_ms < 0) {
		app->start_ms = clock_mono_ms() - app->process_since_ms;
	}
	app_set_error(app, NULL, 0);
	app_set_state(app, APP_RUNNING);
}

void app_listen_look(struct app *app)
{
	in_port_t before = app->port;
	bool young;

	if (!app_has_process(app) || app->phase != APP_LOG_APP) {
		return;
	}
	young = clock_mono_ms() - app->process_since_ms < YOUNG_MS;
	if (app_ports_look(&app->ports, app->process.pid, app->agent->settings.uid, young)) {
		app_touch(app);
	}
	/* What is being ended does not come back. */
	if (app->next == APP_NEXT_NOTHING) {
		if (before && !app_ports_find(&app->ports, before)) {
			set_port(app, 0);
		}
		set_port(app, choose(app));
	}
}

static void watch_memory(struct app *app)
{
	int64_t now = oom_kills(OOM_CGROUP_ROOT);

	if (now > app->oom_kills) {
		app->oom_kills = now;
		app_say(app, "the sandbox has no memory left: a process was killed");
	}
}

static void check_deadline(struct app *app)
{
	int64_t limit_ms = app->agent->settings.app_start_timeout_ms;
	char why[128];

	if (app->state != APP_STARTING || app->start_ms >= 0 || app->next != APP_NEXT_NOTHING ||
	    clock_mono_ms() - app->process_since_ms < limit_ms) {
		return;
	}
	(void)snprintf(why, sizeof(why), "the app did not %s within %lld s",
		       app->ports.n > 0 ? "answer HTTP on any port" : "listen on a port",
		       (long long)(limit_ms / 1000));
	app_give_up(app, why);
}

/* An error on stderr that explains that nothing listens, and was not told yet. */
static bool has_error(const struct app *app)
{
	return app->error_ms > app->told_ms && app->error_ms >= app->lost_ms - APP_TOGETHER_MS;
}

static void look_for_silent_end(struct app *app)
{
	int64_t heard_ms = app_output_last_ms(app), now_ms = clock_mono_ms();

	if ((app->state == APP_STARTING || app->state == APP_CRASHED) &&
	    app->next == APP_NEXT_NOTHING && has_error(app) && now_ms - heard_ms >= SILENT_END_MS &&
	    now_ms - app->lost_ms >= SILENT_END_MS) {
		app_program_ended(app, APP_CRASHED);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct app *app = arg;

	(void)fd;
	(void)what;
	app_listen_look(app);
	app_output_flush_old(app);
	if (interval(app) != FAST_MS) {
		watch_memory(app);
	}
	look_for_silent_end(app);
	check_deadline(app);
	arm(app, interval(app));
}

void app_listen_hurry(struct app *app)
{
	if (app->tick && event_pending(app->tick, EV_TIMEOUT, NULL)) {
		arm(app, FAST_MS);
	}
}

static in_port_t wanted_port(const struct app *app)
{
	const char *text = json_string_value(json_object_get(app->env, "PORT"));
	long port = text ? strtol(text, NULL, 10) : APP_PORT;

	return port > 0 && port <= 65535 ? (in_port_t)port : APP_PORT;
}

void app_listen_begin(struct app *app)
{
	app_ports_clear(&app->ports);
	app->port = app->last_port = 0;
	app->lost_ms = app->error_ms = app->told_ms = 0;
	app->wanted_port = wanted_port(app);
	if (!app->tick) {
		app->tick = evtimer_new(app->agent->base, on_tick, app);
	}
	if (app->tick) {
		arm(app, FAST_MS);
	}
}

void app_listen_end(struct app *app)
{
	app_ask_destroy(app->ask);
	app->ask = NULL;
	app->port = 0;
	app_ports_clear(&app->ports);
	if (app->tick) {
		(void)event_del(app->tick);
	}
}
