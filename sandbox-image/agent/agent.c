#include "agent.h"

#include "app.h"
#include "app_logs.h"
#include "clock.h"
#include "code_env.h"
#include "conn.h"
#include "fds.h"
#include "reaper.h"
#include "relay.h"
#include "run.h"
#include "terminal.h"

static void on_free_closed(evutil_socket_t fd, short what, void *arg)
{
	struct agent *agent = arg;

	(void)fd;
	(void)what;
	conn_free_closed(agent);
	/* There is room again (server.c). */
	if (agent->accept) {
		(void)event_add(agent->accept, NULL);
	}
}

int agent_init(struct agent *agent, struct err *e)
{
	TAILQ_INIT(&agent->conns);
	TAILQ_INIT(&agent->closed);
	TAILQ_INIT(&agent->queued);
	TAILQ_INIT(&agent->running);
	TAILQ_INIT(&agent->draining);
	TAILQ_INIT(&agent->helpers);
	TAILQ_INIT(&agent->supervised);
	TAILQ_INIT(&agent->terminals);
	agent->listen_fd = agent->sigchld_fd = agent->workspace.dir_fd = -1;
	agent->started_ms = clock_mono_ms();
	agent->base = event_base_new();
	if (!agent->base) {
		return err_set(e, ERR_INTERNAL, "cannot make an event loop");
	}
	agent->free_closed = event_new(agent->base, -1, 0, on_free_closed, agent);
	agent->code_env = code_env_make(&agent->settings);
	if (!agent->free_closed || !agent->code_env) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (workspace_open(&agent->workspace, agent->settings.workspace, agent->settings.uid, e) <
	    0) {
		return -1;
	}
	if (reaper_init(agent, e) < 0) {
		return -1;
	}
	if (app_init(agent, e) < 0) {
		return -1;
	}
	return relay_init(agent, e);
}

static void free_event(struct event **ev)
{
	if (*ev) {
		event_free(*ev);
		*ev = NULL;
	}
}

void agent_say_goodbye(struct agent *agent)
{
	app_logs_end(agent->app);
	terminals_say_goodbye(agent);
	(void)event_base_loop(agent->base, EVLOOP_NONBLOCK); /* writes what the sockets take */
}

void agent_fini(struct agent *agent)
{
	struct run *r;

	if (!agent->base) {
		return;
	}
	relay_fini(agent);
	conn_close_all(agent);
	conn_free_closed(agent);
	while ((r = TAILQ_FIRST(&agent->running)) != NULL) {
		TAILQ_REMOVE(&agent->running, r, link);
		run_destroy(r);
	}
	terminals_fini(agent);
	app_fini(agent);
	free_event(&agent->stop);
	free_event(&agent->accept);
	free_event(&agent->sigchld);
	free_event(&agent->sweep);
	free_event(&agent->free_closed);
	fds_close(&agent->listen_fd);
	fds_close(&agent->sigchld_fd);
	fds_close(&agent->workspace.dir_fd);
	json_decref(agent->code_env);
	event_base_free(agent->base);
	agent->base = NULL;
}
