#include "reaper.h"

#include "clock.h"
#include "helper.h"
#include "kill_tree.h"
#include "supervised.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define SWEEP_AGAIN_MS	  5
#define SWEEP_DEADLINE_MS (30 * 1000)
#define SWEEP_EXCEPT_MAX  64

static void reap(struct agent *agent)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		helper_reaped(agent, pid);
	}
}

static void on_sigchld(evutil_socket_t fd, short what, void *arg)
{
	struct signalfd_siginfo info;

	(void)what;
	(void)!read(fd, &info, sizeof(info));
	reap(arg);
}

static bool has_sweeping(const struct agent *agent)
{
	const struct supervised *s;

	TAILQ_FOREACH(s, &agent->supervised, link)
	{
		if (s->sweeping) {
			return true;
		}
	}
	return false;
}

/* Supervisors and helpers that are at work: what is beneath them is not ours to kill. */
static size_t list_except(const struct agent *agent, pid_t *except)
{
	const struct supervised *s;
	size_t n = 0;

	TAILQ_FOREACH(s, &agent->supervised, link)
	{
		if (!s->sweeping && n < SWEEP_EXCEPT_MAX) {
			except[n++] = s->pid;
		}
	}
	return n + helper_pids(agent, except + n, SWEEP_EXCEPT_MAX - n);
}

static void tell_swept(struct agent *agent)
{
	struct supervised *s = TAILQ_FIRST(&agent->supervised);

	/* From the start again after each: what is told may take others out of the list. */
	while (s) {
		if (s->sweeping) {
			supervised_swept(s);
			s = TAILQ_FIRST(&agent->supervised);
		} else {
			s = TAILQ_NEXT(s, link);
		}
	}
}

void reaper_sweep(struct agent *agent)
{
	const struct timeval again = {.tv_usec = SWEEP_AGAIN_MS * 1000};
	pid_t except[SWEEP_EXCEPT_MAX];
	size_t alive = 1;
	struct err e;

	if (!has_sweeping(agent)) {
		agent->sweep_until_ms = 0;
		return;
	}
	if (agent->sweep_until_ms == 0) {
		agent->sweep_until_ms = clock_mono_ms() + SWEEP_DEADLINE_MS;
	}
	if (kill_tree_pass(getpid(), except, list_except(agent, except), &alive, &e) == 0 &&
	    alive == 0) {
		agent->sweep_until_ms = 0;
		tell_swept(agent);
		return;
	}
	if (clock_mono_ms() >= agent->sweep_until_ms) {
		/* The end of PID 1 is the end of all: the last means there is. */
		agent->beaten = true;
		(void)event_base_loopbreak(agent->base);
		return;
	}
	(void)event_add(agent->sweep, &again);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reaper_sweep(arg);
}

int reaper_init(struct agent *agent, struct err *e)
{
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	/* Not needed by PID 1 of a container, but it behaves the same elsewhere. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || sigprocmask(SIG_BLOCK, &chld, NULL) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot become a subreaper");
	}
	agent->sigchld_fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (agent->sigchld_fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a signalfd");
	}
	agent->sigchld =
		event_new(agent->base, agent->sigchld_fd, EV_READ | EV_PERSIST, on_sigchld, agent);
	agent->sweep = evtimer_new(agent->base, on_sweep, agent);
	if (!agent->sigchld || !agent->sweep || event_add(agent->sigchld, NULL) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}
