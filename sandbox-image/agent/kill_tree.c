#include "kill_tree.h"

#include "clock.h"
#include "proc_table.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Readings of /proc until everything stands still. Each stops all it sees, so what is left after
 * one are children born while it read; more rounds than this only a missing PID limit needs. */
#define STOP_ROUNDS_MAX 32

/* How long a zombie may stay that cannot be reaped: its tracer lives outside the tree. */
#define ZOMBIES_MS 1000

/* How long to wait for a SIGCHLD before looking again. */
#define REAP_WAIT_NS (5 * 1000 * 1000)

/*
 * Signals exactly the process that was read: a pidfd holds it, and its start time is compared after
 * the pidfd is open, so a recycled pid is never hit.
 */
static void signal_entry(const struct proc_entry *p, int sig)
{
	int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	struct proc_entry now;

	if (fd < 0 && errno == ESRCH) {
		return;
	}
	if (proc_stat_read(p->pid, &now) && now.start == p->start) {
		if (fd < 0 || syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) < 0) {
			(void)kill(p->pid, sig);
		}
	}
	if (fd >= 0) {
		close(fd);
	}
}

/* The first thread can end while others run on (pthread_exit in main). */
static bool is_dead(const struct proc_entry *p)
{
	return p->state == 'X' || p->state == 'x' || (p->state == 'Z' && p->threads <= 1);
}

static bool was_there(const struct proc_table *before, const struct proc_entry *p)
{
	for (size_t i = 0; i < before->n; i++) {
		if (before->entries[i].pid == p->pid && before->entries[i].start == p->start) {
			return true;
		}
	}
	return false;
}

/* Signals the living descendants that were not in `before`; returns how many. */
static size_t signal_new(const struct proc_table *now, const struct proc_table *before, int sig)
{
	size_t n = 0;

	for (size_t i = 0; i < now->n; i++) {
		const struct proc_entry *p = &now->entries[i];

		if (p->descendant && !is_dead(p) && !was_there(before, p)) {
			signal_entry(p, sig);
			n++;
		}
	}
	return n;
}

int kill_tree_pass(pid_t root, const pid_t *except, size_t n_except, size_t *ret_alive,
		   struct err *e)
{
	static const struct proc_table nothing;
	struct proc_table before = {0}, now = {0};
	int result;

	for (int round = 0;; round++) {
		struct proc_table old = before;

		before = now;
		now = old;
		result = proc_table_read(&now, root, except, n_except, e);
		/* What was read before was sent SIGSTOP; a pending signal makes fork(2) start
		 * over, so only children that existed by then can still be new. */
		if (result < 0 || signal_new(&now, &before, SIGSTOP) == 0 ||
		    round == STOP_ROUNDS_MAX) {
			break;
		}
	}
	if (result == 0) {
		*ret_alive = signal_new(&now, &nothing, SIGKILL);
	}
	proc_table_fini(&before);
	proc_table_fini(&now);
	return result;
}

/* False when there is no child left at all. */
static bool reap(kill_tree_reaped_fn *reaped, void *ctx, size_t *ret_n)
{
	for (*ret_n = 0;; (*ret_n)++) {
		int status;
		/* __WALL: clone(2) can make children that send no SIGCHLD. */
		pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);

		if (pid == 0) {
			return true;
		}
		if (pid < 0) {
			return errno == EINTR;
		}
		if (reaped) {
			reaped(ctx, pid, status);
		}
	}
}

int kill_tree_all(int64_t deadline_ms, kill_tree_reaped_fn *reaped, void *ctx, struct err *e)
{
	const struct timespec wait = {.tv_nsec = REAP_WAIT_NS};
	int64_t busy_ms = clock_mono_ms();
	size_t alive, n_reaped;
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	while (reap(reaped, ctx, &n_reaped)) {
		int64_t now = clock_mono_ms();

		if (kill_tree_pass(getpid(), NULL, 0, &alive, e) < 0) {
			return -1;
		}
		if (alive > 0 || n_reaped > 0) {
			busy_ms = now;
		} else if (now - busy_ms >= ZOMBIES_MS) {
			return 0;
		}
		/* The last ones are dead and only want reaping. */
		if (now >= deadline_ms + (alive > 0 ? 0 : ZOMBIES_MS)) {
			return err_set(e, ERR_TIMEOUT, "%zu processes do not die", alive);
		}
		(void)sigtimedwait(&chld, NULL, &wait);
	}
	return 0;
}
