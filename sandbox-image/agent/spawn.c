#include "spawn.h"

#include "fds.h"
#include "fs.h"
#include "identity.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND	    127

/* The kernel's out-of-memory killer takes code before it takes the agent. */
static void offer_to_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, "1000", 4);
		close(fd);
	}
}

/*
 * The system call itself: glibc's sigaction() refuses 32 and 33, which posix_spawn() leaves
 * ignored, and what a Docker started by such a parent hands down would reach the code.
 */
static void reset_signals(void)
{
	const struct {
		unsigned long handler, flags, restorer, mask;
	} dfl = {0}; /* the kernel's struct sigaction, its longest form; SIG_DFL is 0 */
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++) {
		(void)syscall(SYS_rt_sigaction, sig, &dfl, NULL, sizeof(dfl.mask));
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int enter_cwd(const struct run_request *rq, const struct workspace *w, struct err *e)
{
	int fd;

	if (fs_open_beneath(w->dir_fd, rq->cwd[0] ? rq->cwd : ".", O_RDONLY | O_DIRECTORY, 0, &fd,
			    e) < 0) {
		return err_prefix(e, "cwd");
	}
	if (fchdir(fd) < 0) {
		return err_errno(e, ERR_INVALID, "cannot enter %s", rq->cwd);
	}
	return 0;
}

static int become_code(const struct run_request *rq, const struct workspace *w, bool tty,
		       pid_t parent, struct err *e)
{
	const struct rlimit no_core = {0, 0};

	if (setsid() < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot start a session");
	}
	if (tty && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot take the terminal");
	}
	offer_to_oom_killer();
	(void)umask(022);
	if (identity_drop(w->uid) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot become uid %u", w->uid);
	}
	/* After the change of identity, which clears it (prctl(2)). */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) {
		return err_set(e, ERR_INTERNAL, "the supervisor is gone");
	}
	return enter_cwd(rq, w, e);
}

static void complain(const char *program, const char *why)
{
	(void)dprintf(STDERR_FILENO, "slipway: %.200s: %s\n", program, why);
}

__attribute__((noreturn)) static void child_main(const struct run_request *rq,
						 const struct workspace *w,
						 const struct spawn_stdio *stdio, pid_t parent)
{
	struct err e;
	int failed;

	if (dup2(stdio->in, STDIN_FILENO) < 0 || dup2(stdio->out, STDOUT_FILENO) < 0 ||
	    dup2(stdio->err, STDERR_FILENO) < 0) {
		_exit(EXIT_CANNOT_EXECUTE);
	}
	if (become_code(rq, w, stdio->tty, parent, &e) < 0) {
		complain(rq->argv[0], e.text);
		_exit(EXIT_CANNOT_EXECUTE);
	}
	fds_close_except(NULL, 0);
	reset_signals();
	environ = rq->envp;
	(void)execvp(rq->argv[0], rq->argv);
	failed = errno;
	complain(rq->argv[0], failed == ENOENT ? "command not found" : strerror(failed));
	_exit(failed == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

int spawn_child(const struct run_request *rq, const struct workspace *w,
		const struct spawn_stdio *stdio, pid_t *ret_pid, struct err *e)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0) {
		return err_errno(e, ERR_UNAVAILABLE, "the sandbox cannot start another process");
	}
	if (pid == 0) {
		child_main(rq, w, stdio, parent);
	}
	*ret_pid = pid;
	return 0;
}
