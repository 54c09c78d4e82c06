#include "supervisor.h"

#include "clock.h"
#include "fds.h"
#include "kill_tree.h"
#include "run_files.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A killed process dies at once, unless the kernel holds it (a disk that hangs). */
#define KILL_DEADLINE_MS (20 * 1000)

/* What a program that was asked to end has for it. */
#define TERMINATE_GRACE_MS 2000
#define HANG_UP_GRACE_MS   1000

struct supervisor {
	const struct run_request *rq;
	int control;
	int chld; /* signalfd */
	pid_t child;
	bool child_ended;
	bool alone; /* no descendant is left */
	int wait_status;
	int64_t ended_us;
};

static void send_msg(int control, const struct supervisor_msg *m)
{
	/* A dead agent reads nothing; then there is nobody to tell. */
	(void)send(control, m, sizeof(*m), MSG_NOSIGNAL);
}

static void note_reaped(void *ctx, pid_t pid, int wait_status)
{
	struct supervisor *s = ctx;

	if (pid == s->child && !s->child_ended) {
		s->child_ended = true;
		s->wait_status = wait_status;
		s->ended_us = clock_mono_us();
	}
}

static void reap(struct supervisor *s)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	(void)!read(s->chld, &info, sizeof(info));
	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		note_reaped(s, pid, status);
	}
	s->alone = pid < 0 && errno == ECHILD;
}

/* How long the program has to end by itself, which it was told to; 0: it has no time. */
static int64_t obey(struct supervisor *s)
{
	char what = SUPERVISOR_KILL;

	if (recv(s->control, &what, 1, MSG_DONTWAIT) != 1 || what == SUPERVISOR_KILL) {
		return 0;
	}
	/* It leads a session, and so a group, of its own. */
	(void)kill(-s->child, what == SUPERVISOR_HANG_UP ? SIGHUP : SIGTERM);
	return what == SUPERVISOR_HANG_UP ? HANG_UP_GRACE_MS : TERMINATE_GRACE_MS;
}

/* Until the program ends, its deadline passes, or the agent says so or is gone. */
static bool wait_for_end(struct supervisor *s, int64_t deadline_ms)
{
	bool terminating = false;

	/* npm ends before the program it started does: what was told to end has its time whole. */
	while (terminating ? !s->alone : !s->child_ended) {
		struct pollfd fds[] = {
			{.fd = s->chld, .events = POLLIN},
			{.fd = s->control, .events = POLLIN},
		};
		int n = poll(fds, 2, clock_poll_timeout(deadline_ms));

		if (n < 0 && errno != EINTR) {
			return false;
		}
		if (n == 0) {
			return !terminating;
		}
		if (fds[0].revents) {
			reap(s);
		} else if (fds[1].revents) {
			int64_t grace_ms = terminating ? 0 : obey(s);

			if (grace_ms == 0) {
				return false;
			}
			terminating = true;
			deadline_ms = clock_mono_ms() + grace_ms;
		}
	}
	return false;
}

static int open_sigchld(struct err *e)
{
	sigset_t chld;
	int fd;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make a signalfd");
	}
	return fd;
}

static int start(struct supervisor *s, const struct workspace *w, const struct spawn_stdio *stdio,
		 struct err *e)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot become a subreaper");
	}
	s->chld = open_sigchld(e);
	if (s->chld < 0 || run_files_write(s->rq, w, e) < 0) {
		return -1;
	}
	return spawn_child(s->rq, w, stdio, &s->child, e);
}

static void fail(int control, enum supervisor_msg_type type, const struct err *e)
{
	const struct supervisor_msg m = {.type = type, .error = *e};

	send_msg(control, &m);
	_exit(1);
}

__attribute__((noreturn)) static void supervisor_main(const struct run_request *rq,
						      const struct workspace *w, int control,
						      struct spawn_stdio stdio)
{
	/* The status is what it will be unless the program ends by itself. */
	struct supervisor s = {.rq = rq, .control = control, .chld = -1, .wait_status = SIGKILL};
	const int keep[] = {control, stdio.in, stdio.out, stdio.err, w->dir_fd};
	struct supervisor_msg m = {.type = SUPERVISOR_STARTED};
	sigset_t all;
	struct err e;
	int64_t started_us;
	bool timed_out;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_NAME, "slipway-run");
	fds_close_except(keep, sizeof(keep) / sizeof(keep[0]));
	if (start(&s, w, &stdio, &e) < 0) {
		fail(control, SUPERVISOR_FAILED, &e);
	}
	started_us = clock_mono_us();
	fds_close(&stdio.in);
	fds_close(&stdio.out);
	fds_close(&stdio.err);
	m.pid = s.child;
	send_msg(control, &m);

	timed_out = wait_for_end(&s, rq->timeout_ms == RUN_NO_TIMEOUT
					     ? CLOCK_NEVER
					     : started_us / 1000 + rq->timeout_ms);
	if (!s.child_ended) {
		s.ended_us = clock_mono_us();
	}
	if (kill_tree_all(clock_mono_ms() + KILL_DEADLINE_MS, note_reaped, &s, &e) < 0) {
		fail(control, SUPERVISOR_STUCK, &e);
	}
	m.type = SUPERVISOR_DONE;
	m.wait_status = s.wait_status;
	m.timed_out = timed_out;
	m.duration_ms = (s.ended_us - started_us) / 1000;
	send_msg(control, &m);
	_exit(0);
}

int supervisor_start(const struct run_request *rq, const struct workspace *w, int control,
		     const struct spawn_stdio *stdio, pid_t *ret_pid, struct err *e)
{
	pid_t pid = fork();

	if (pid < 0) {
		return err_errno(e, ERR_UNAVAILABLE, "the sandbox cannot start another process");
	}
	if (pid == 0) {
		supervisor_main(rq, w, control, *stdio);
	}
	*ret_pid = pid;
	return 0;
}
