#include "app.h"

#include "clock.h"

#include <stdlib.h>

struct app {
	struct agent *agent;
	enum app_state state;
	int64_t since_ms;
	TAILQ_HEAD(app_watchers, app_watcher) watchers;
};

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

	*ret = (struct app_view){.state = app->state, .for_ms = clock_mono_ms() - app->since_ms};
}

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

json_t *app_state_json(struct agent *agent)
{
	struct app_view v;

	app_view(agent, &v);
	return json_pack("{s:s,s:I}", "state", app_state_name(v.state), "for_ms",
			 (json_int_t)v.for_ms);
}

json_t *app_last_lines(struct agent *agent, size_t n)
{
	(void)agent;
	(void)n;
	return json_array();
}

void app_watch(struct agent *agent, struct app_watcher *w)
{
	TAILQ_INSERT_TAIL(&agent->app->watchers, w, link);
}

void app_unwatch(struct agent *agent, struct app_watcher *w)
{
	TAILQ_REMOVE(&agent->app->watchers, w, link);
}

int app_init(struct agent *agent, struct err *e)
{
	struct app *app = calloc(1, sizeof(*app));

	if (!app) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	app->agent = agent;
	app->since_ms = clock_mono_ms();
	TAILQ_INIT(&app->watchers);
	agent->app = app;
	return 0;
}

void app_fini(struct agent *agent)
{
	free(agent->app);
	agent->app = NULL;
}
