#include "master.h"

#include "apps/syncer.h"
#include "cleanup.h"
#include "clock.h"
#include "config.h"
#include "fs.h"
#include "janitor.h"
#include "log.h"
#include "scoreboard.h"
#include "unix_sock.h"
#include "worker.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN_BACKLOG	 256
#define TICK_MS		 250
#define SHORT_LIFE_MS	 2000 /* a child that lived less is started again with a delay */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS	 10000
#define OVERDUE_GRACE_MS 5000  /* beyond a request's deadline */
#define DRAIN_MS	 20000 /* then what still runs is killed */
#define FCGI_GROUP	 "slipway-fcgi"

struct child {
	pid_t pid; /* 0: not running */
	int64_t started_ms, start_at_ms, backoff_ms;
	bool killed; /* overdue: told to die, not reaped yet */
};

struct master {
	const struct config *config;
	struct scoreboard *board;
	int listen_fds[POOL_COUNT];
	struct child *children; /* workers by their number, then the janitor and the syncer */
	int n_workers, n_children;
	bool draining;
};

/* nginx connects by its membership in this group. Where there is no such group (development), the
 * directory's own group does. */
static int give_to_group(const char *path, mode_t mode, struct err *e)
{
	const struct group *group = getgrnam(FCGI_GROUP);

	if (group && chown(path, (uid_t)-1, group->gr_gid) < 0 && errno != EPERM) {
		return err_errno(e, ERR_INTERNAL, "cannot give %s to group " FCGI_GROUP, path);
	}
	if (chmod(path, mode) < 0 && errno != EPERM) {
		return err_errno(e, ERR_INTERNAL, "cannot set the mode of %s", path);
	}
	return 0;
}

static int open_sockets(struct master *m, struct err *e)
{
	const char *run = config_str(m->config, CFG_RUN_DIR);
	char path[108];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/fcgi", run);
	if (stat(path, &st) < 0 &&
	    (fs_mkdirs(path, 0750, e) < 0 || give_to_group(path, 02750, e) < 0)) {
		return -1;
	}
	for (int p = 0; p < POOL_COUNT; p++) {
		(void)snprintf(path, sizeof(path), "%s/fcgi/%s.sock", run,
			       route_pool_name((enum route_pool)p));
		if (unix_listen(path, 0660, LISTEN_BACKLOG, &m->listen_fds[p], e) < 0 ||
		    give_to_group(path, 0660, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static void close_sockets(struct master *m, int except)
{
	for (int p = 0; p < POOL_COUNT; p++) {
		if (p != except && m->listen_fds[p] >= 0) {
			close(m->listen_fds[p]);
			m->listen_fds[p] = -1;
		}
	}
}

static _Noreturn void child_main(struct master *m, int i, pid_t master_pid)
{
	enum route_pool pool;
	int rc;

	if (i == m->n_workers) {
		close_sockets(m, -1);
		rc = janitor_run(m->config, master_pid);
	} else if (i > m->n_workers) {
		close_sockets(m, -1);
		rc = syncer_run(m->config, master_pid);
	} else {
		pool = scoreboard_pool(m->board, i);
		close_sockets(m, (int)pool);
		rc = worker_run(m->config, m->board, i, m->listen_fds[pool], master_pid);
	}
	_exit(rc);
}

static void start_child(struct master *m, int i)
{
	struct child *c = &m->children[i];
	pid_t master_pid = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		child_main(m, i, master_pid);
	}
	if (pid < 0) {
		log_error("fork_failed", "{s:s}", "detail", strerror(errno));
		c->start_at_ms = clock_mono_ms() + BACKOFF_MAX_MS;
		return;
	}
	c->pid = pid;
	c->killed = false;
	c->started_ms = clock_mono_ms();
	if (i < m->n_workers) {
		scoreboard_started(m->board, i, pid);
	}
}

static void start_due(struct master *m)
{
	int64_t now = clock_mono_ms();

	for (int i = 0; i < m->n_children && !m->draining; i++) {
		if (m->children[i].pid == 0 && m->children[i].start_at_ms <= now) {
			start_child(m, i);
		}
	}
}

static const char *child_name(const struct master *m, int i)
{
	if (i >= m->n_workers) {
		return i == m->n_workers ? "janitor" : "syncer";
	}
	return route_pool_name(scoreboard_pool(m->board, i));
}

static void child_ended(struct master *m, int i, int status)
{
	struct child *c = &m->children[i];
	int64_t now = clock_mono_ms();

	if (now - c->started_ms < SHORT_LIFE_MS) {
		c->backoff_ms = c->backoff_ms ? c->backoff_ms * 2 : BACKOFF_FIRST_MS;
		c->backoff_ms = c->backoff_ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff_ms;
	} else {
		c->backoff_ms = 0;
	}
	c->start_at_ms = now + c->backoff_ms;
	if (!m->draining) {
		log_warn("child_ended", "{s:s, s:i, s:i, s:i, s:I}", "child", child_name(m, i),
			 "pid", c->pid, "exit_status", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
			 "signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0, "restart_in_ms",
			 (json_int_t)c->backoff_ms);
	}
	c->pid = 0;
	if (i < m->n_workers) {
		scoreboard_gone(m->board, i, !m->draining);
	}
}

static void reap(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < m->n_children; i++) {
			if (m->children[i].pid == pid) {
				child_ended(m, i, status);
				break;
			}
		}
	}
}

static int running(const struct master *m)
{
	int n = 0;

	for (int i = 0; i < m->n_children; i++) {
		n += m->children[i].pid != 0;
	}
	return n;
}

static void signal_all(const struct master *m, int signo)
{
	for (int i = 0; i < m->n_children; i++) {
		if (m->children[i].pid != 0) {
			kill(m->children[i].pid, signo);
		}
	}
}

/* A handler keeps its own deadline; one that does not is stuck, and its slot is wanted. */
static void end_overdue(struct master *m)
{
	int64_t now = clock_mono_ms();

	for (int i = 0; i < m->n_workers; i++) {
		struct scoreboard_entry entry;

		if (m->children[i].pid == 0 || m->children[i].killed) {
			continue;
		}
		scoreboard_read(m->board, i, &entry);
		if (!entry.busy || now < entry.deadline_ms + OVERDUE_GRACE_MS) {
			continue;
		}
		log_error("worker_overdue", "{s:s, s:i, s:s, s:I}", "pool", child_name(m, i), "pid",
			  m->children[i].pid, "overdue_request_id", entry.request_id, "since_ms",
			  (json_int_t)(now - entry.since_ms));
		kill(m->children[i].pid, SIGKILL);
		m->children[i].killed = true;
	}
}

static void watched_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGCHLD);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP);
}

/* The next of the watched signals, or -1 after a tick. */
static int next_signal(void)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
	sigset_t set;

	watched_signals(&set);
	return sigtimedwait(&set, NULL, &tick);
}

static void serve(struct master *m)
{
	while (!m->draining) {
		int signo = next_signal();

		m->draining = signo == SIGTERM || signo == SIGINT;
		reap(m);
		end_overdue(m);
		start_due(m);
	}
}

static void drain(struct master *m)
{
	int64_t until = clock_mono_ms() + DRAIN_MS;

	log_info("draining", NULL);
	close_sockets(m, -1);
	while (running(m) > 0 && clock_mono_ms() < until) {
		/* Again at each tick: a worker may lose one just before it waits (http/fcgi.h). */
		signal_all(m, SIGTERM);
		next_signal();
		reap(m);
	}
	if (running(m) > 0) {
		log_warn("drain_cut_short", "{s:i}", "workers", running(m));
	}
	signal_all(m, SIGKILL);
	while (running(m) > 0) {
		next_signal();
		reap(m);
	}
	log_info("stopped", NULL);
}

static int prepare(struct master *m, struct err *e)
{
	const int slots[POOL_COUNT] = {
		[POOL_SHORT] = (int)config_int(m->config, CFG_POOL_SHORT),
		[POOL_RUN] = (int)config_int(m->config, CFG_POOL_RUN),
		[POOL_STREAM] = (int)config_int(m->config, CFG_POOL_STREAM),
		[POOL_WATCH] = (int)config_int(m->config, CFG_POOL_WATCH),
	};

	/* libfcgi 2.4.2: idle peers and lazy closers hold a worker for 2 s each otherwise. */
	if (setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "100", 1) < 0 ||
	    setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "100", 1) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot set the environment");
	}
	unsetenv("FCGI_WEB_SERVER_ADDRS");
	if (scoreboard_create(slots, &m->board, e) < 0) {
		return -1;
	}
	m->n_workers = scoreboard_workers(m->board);
	m->n_children = m->n_workers + 2;
	m->children = calloc((size_t)m->n_children, sizeof(*m->children));
	if (!m->children) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return open_sockets(m, e);
}

int master_run(const struct config *config, struct err *e)
{
	struct master m = {.config = config, .listen_fds = {-1, -1, -1, -1}};
	sigset_t set;
	int rc;

	_Static_assert(POOL_COUNT == 4, "listen_fds begins as -1 for each pool");
	watched_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	rc = prepare(&m, e);
	if (rc == 0) {
		start_due(&m);
		log_info("started", "{s:i}", "workers", m.n_workers);
		serve(&m);
		drain(&m);
	}
	close_sockets(&m, -1);
	free(m.children);
	scoreboard_destroy(m.board);
	return rc;
}
