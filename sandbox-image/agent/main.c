/* slipway-agent: PID 1 of a sandbox. Runs code, keeps its files, reaps its orphans. */

#include "agent.h"
#include "log.h"
#include "server.h"
#include "version.h"

#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct agent *agent = arg;

	(void)fd;
	(void)what;
	(void)event_base_loopbreak(agent->base);
}

/* TERM and INT end the agent; as PID 1 that ends everything in the container. */
static int watch_stop_signals(struct agent *agent, struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    (fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a signalfd");
	}
	agent->stop = event_new(agent->base, fd, EV_READ, on_stop, agent);
	if (!agent->stop || event_add(agent->stop, NULL) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static int prepare_process(const struct settings *s, struct err *e)
{
	if (s->pid1 && getpid() != 1) {
		return err_set(e, ERR_INVALID,
			       "slipway-agent runs as PID 1 of a container; "
			       "--no-pid1 runs it elsewhere, for tests");
	}
	(void)umask(022);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Nothing of the agent is for the code to read. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setgroups(0, NULL) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot drop supplementary groups");
	}
	return 0;
}

static int start(struct agent *agent, struct err *e)
{
	if (prepare_process(&agent->settings, e) < 0 || agent_init(agent, e) < 0 ||
	    watch_stop_signals(agent, e) < 0) {
		return -1;
	}
	return server_listen(agent, e);
}

int main(int argc, char **argv)
{
	static struct agent agent;
	struct err e;

	log_init("agent", LOG_INFO);
	if (settings_load(argc, argv, &agent.settings, &e) < 0 || start(&agent, &e) < 0) {
		log_err(LOG_ERROR, "start_failed", &e);
		return 1;
	}
	log_info("started", "{s:s,s:s}", "version", SLIPWAY_VERSION, "sandbox",
		 agent.settings.sandbox_id);
	if (event_base_dispatch(agent.base) < 0) {
		log_error("loop_failed", NULL);
		return 1;
	}
	if (agent.beaten) {
		log_error("processes_do_not_die", NULL);
		return 1;
	}
	agent_say_goodbye(&agent);
	agent_fini(&agent);
	return 0;
}
