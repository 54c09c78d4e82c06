#include "app.h"

#include "app_private.h"
#include "clock.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

/* State events come at most this often, so that an app that flaps does not push its own lines out
 * of the ring. */
#define ANNOUNCE_EVERY_MS 100

static const char *const state_names[] = {
	[APP_STOPPED] = "stopped", [APP_INSTALLING] = "installing", [APP_STARTING] = "starting",
	[APP_RUNNING] = "running", [APP_CRASHED] = "crashed",	    [APP_EXITED] = "exited",
};

const char *app_state_name(enum app_state state)
{
	return state_names[state];
}

void app_view(const struct agent *agent, struct app_view *ret)
{
	const struct app *app = agent->app;
	struct app_view v = {
		.state = app->state,
		.for_ms = clock_mono_ms() - app->since_ms,
		.port = app->port,
		.n_ports = app->ports.n,
	};

	for (size_t i = 0; i < v.n_ports; i++) {
		v.ports[i] = app->ports.list[i].at;
	}
	*ret = v;
}

bool app_is_on_its_way(const struct agent *agent)
{
	const struct app *app = agent->app;

	/* One that has listened may be without a port for ever. */
	return app->state == APP_INSTALLING || (app->state == APP_STARTING && app->start_ms < 0);
}

_Static_assert(APP_PORTS_SEEN_MAX == APP_PORTS_MAX, "a view holds them all");

const struct listener *app_view_listener(const struct app_view *v, in_port_t port)
{
	in_port_t wanted = port ? port : v->port;

	for (size_t i = 0; i < v->n_ports; i++) {
		if (listener_port(&v->ports[i]) == wanted) {
			return &v->ports[i];
		}
	}
	return NULL;
}

static json_t *number_or_null(int64_t n, bool is_null)
{
	return is_null ? json_null() : json_integer(n);
}

static json_t *ports_json(const struct app *app)
{
	json_t *list = json_array();

	for (size_t i = 0; i < app->ports.n; i++) {
		(void)json_array_append_new(list,
					    json_integer(listener_port(&app->ports.list[i].at)));
	}
	return list;
}

json_t *app_state_json(struct agent *agent)
{
	const struct app *app = agent->app;

	return json_pack("{s:s,s:I,s:o,s:o,s:I,s:o,s:o,s:s?,s:s?,s:o,s:o,s:I}", "state",
			 app_state_name(app->state), "for_ms",
			 (json_int_t)(clock_mono_ms() - app->since_ms), "port",
			 number_or_null(app->port, app->port == 0), "ports", ports_json(app),
			 "start", (json_int_t)app->starts, "plan",
			 app->planned ? plan_json(&app->plan, app->frozen) : json_null(),
			 "exit_code", number_or_null(app->exit_code, app->exit_code < 0), "signal",
			 app->signal[0] ? app->signal : NULL, "error", app->error, "install_ms",
			 number_or_null(app->install_ms, app->install_ms < 0), "start_ms",
			 number_or_null(app->start_ms, app->start_ms < 0), "last_log_id",
			 (json_int_t)app_log_last_id(&app->log));
}

json_t *app_last_lines(struct agent *agent, size_t n)
{
	const struct app_log *log = &agent->app->log;
	const struct app_log_entry *entry;
	json_t *list = json_array();

	for (size_t i = 0; n > 0 && (entry = app_log_newest(log, i)) != NULL; i++) {
		if (entry->stream == APP_LOG_STATE) {
			continue;
		}
		(void)json_array_insert_new(list, 0,
					    json_pack("{s:s,s:s,s:s}", "stream",
						      app_log_stream_name(entry->stream), "source",
						      app_log_source_name(entry->source), "text",
						      entry->text));
		n--;
	}
	return list;
}

void app_watch(struct agent *agent, struct app_watcher *w)
{
	w->told = agent->app->round;
	TAILQ_INSERT_TAIL(&agent->app->watchers, w, link);
	app_listen_hurry(agent->app);
}

void app_unwatch(struct agent *agent, struct app_watcher *w)
{
	TAILQ_REMOVE(&agent->app->watchers, w, link);
}

static void tell_watchers(struct app *app)
{
	struct app_watcher *w = TAILQ_FIRST(&app->watchers);

	app->round++;
	/* From the start again after each, because it may take any out of the list. */
	while (w) {
		if (w->told == app->round) {
			w = TAILQ_NEXT(w, link);
			continue;
		}
		w->told = app->round;
		w->changed(w);
		w = TAILQ_FIRST(&app->watchers);
	}
}

static void announce(struct app *app)
{
	json_t *state = app_state_json(app->agent);
	char *text = state ? json_dumps(state, JSON_COMPACT) : NULL;

	if (text) {
		app_log_add(&app->log, APP_LOG_STATE, APP_LOG_APP, text, strlen(text));
		event_active(app->pump, EV_TIMEOUT, 0);
	}
	free(text);
	json_decref(state);
	app->announced_ms = clock_mono_ms();
}

static void on_announce(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	announce(arg);
}

static void on_touched(evutil_socket_t fd, short what, void *arg)
{
	struct app *app = arg;
	int64_t early_ms = app->announced_ms + ANNOUNCE_EVERY_MS - clock_mono_ms();
	const struct timeval later = {.tv_usec = early_ms * 1000};

	(void)fd;
	(void)what;
	tell_watchers(app);
	if (event_pending(app->announce, EV_TIMEOUT, NULL)) {
		return;
	}
	if (app->announced_ms == 0 || early_ms <= 0) {
		announce(app);
	} else {
		(void)event_add(app->announce, &later);
	}
}

static void on_pump(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	app_logs_pump(arg);
}

void app_touch(struct app *app)
{
	event_active(app->touched, EV_TIMEOUT, 0);
}

void app_set_state(struct app *app, enum app_state state)
{
	if (app->state != state) {
		app->state = state;
		app->since_ms = clock_mono_ms();
	}
	app_touch(app);
}

void app_set_error(struct app *app, const char *text, size_t len)
{
	struct strbuf clean;

	free(app->error);
	app->error = NULL;
	if (text) {
		strbuf_init(&clean, 4 * 1024);
		/* File names may be anything. */
		utf8_add_replaced(&clean, text, len);
		app->error = strbuf_steal(&clean);
	}
}

void app_say(struct app *app, const char *fmt, ...)
{
	struct strbuf raw, clean;
	va_list ap;

	strbuf_init(&raw, LOG_LINE_MAX_BYTES);
	strbuf_init(&clean, 3 * LOG_LINE_MAX_BYTES);
	va_start(ap, fmt);
	strbuf_vaddf(&raw, fmt, ap);
	va_end(ap);
	log_lines_clean(&clean, raw.data, raw.len);
	app_log_add(&app->log, APP_LOG_SYSTEM, app->phase, clean.data, clean.len);
	event_active(app->pump, EV_TIMEOUT, 0);
	strbuf_fini(&raw);
	strbuf_fini(&clean);
}

int app_init(struct agent *agent, struct err *e)
{
	struct app *app = calloc(1, sizeof(*app));

	if (!app) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	agent->app = app;
	app->agent = agent;
	app->since_ms = clock_mono_ms();
	app->exit_code = -1;
	app->install_ms = app->start_ms = -1;
	TAILQ_INIT(&app->watchers);
	TAILQ_INIT(&app->readers);
	TAILQ_INIT(&app->stopping);
	app_log_init(&app->log);
	app_life_init(app);
	app->touched = event_new(agent->base, -1, 0, on_touched, app);
	app->announce = event_new(agent->base, -1, 0, on_announce, app);
	app->pump = event_new(agent->base, -1, 0, on_pump, app);
	if (!app->touched || !app->announce || !app->pump) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static void free_event(struct event *ev)
{
	if (ev) {
		event_free(ev);
	}
}

void app_fini(struct agent *agent)
{
	struct app *app = agent->app;

	if (!app) {
		return;
	}
	app_listen_end(app);
	app_output_end(app);
	supervised_fini(&app->process);
	free_event(app->touched);
	free_event(app->announce);
	free_event(app->pump);
	free_event(app->tick);
	app_log_fini(&app->log);
	json_decref(app->env);
	free(app->error);
	free(app);
	agent->app = NULL;
}
