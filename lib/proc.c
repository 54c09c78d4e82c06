#include "proc.h"

#include "cleanup.h"
#include "clock.h"
#include "fs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TAIL_MAX_BYTES 400

extern char **environ;

struct child {
	pid_t pid;
	int pidfd;
	int out; /* read end of its stdout and stderr */
	int in;	 /* write end of its stdin, or -1 */
	size_t in_done;
	char tail[TAIL_MAX_BYTES]; /* the last bytes it printed, for the error text */
	size_t tail_len;
};

static void child_fini(struct child *c)
{
	cleanup_close(&c->pidfd);
	cleanup_close(&c->out);
	cleanup_close(&c->in);
}

/* Runs in the child; only async-signal-safe calls, because the parent may have threads. */
static void exec_child(const struct proc_opts *o, int in, int out)
{
	/* argv and envp are not changed by execvpe; its prototype just predates const. */
	union {
		const char *const *in;
		char *const *out;
	} argv = {.in = o->argv}, envp = {.in = o->envp};
	sigset_t none;

	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0 || (o->cwd && chdir(o->cwd) < 0)) {
		_exit(126);
	}
	(void)close_range(3, ~0U, 0);
	execvpe(o->argv[0], argv.out, o->envp ? envp.out : environ);
	_exit(127);
}

static int start(const struct proc_opts *o, struct child *c, struct err *e)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1};

	if (o->stdin_bytes) {
		if (pipe2(in, O_CLOEXEC | O_NONBLOCK) < 0) {
			return err_errno(e, ERR_INTERNAL, "cannot make a pipe");
		}
		(void)fcntl(in[0], F_SETFL, 0); /* the child's end blocks as usual */
	} else {
		in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (pipe2(out, O_CLOEXEC) < 0) {
		err_errno(e, ERR_INTERNAL, "cannot make a pipe");
		cleanup_close(&in[0]);
		cleanup_close(&in[1]);
		return -1;
	}
	c->pid = fork();
	if (c->pid == 0) {
		exec_child(o, in[0], out[1]);
	}
	cleanup_close(&in[0]);
	cleanup_close(&out[1]);
	c->in = in[1];
	c->out = out[0];
	if (c->pid < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot start %s", o->argv[0]);
	}
	(void)setpgid(c->pid, c->pid); /* whoever is first; the other's call changes nothing */
	(void)fcntl(c->out, F_SETFL, O_NONBLOCK);
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return 0;
}

static void keep_tail(struct child *c, const char *bytes, size_t len)
{
	if (len >= sizeof(c->tail)) {
		memcpy(c->tail, bytes + len - sizeof(c->tail), sizeof(c->tail));
		c->tail_len = sizeof(c->tail);
		return;
	}
	if (c->tail_len + len > sizeof(c->tail)) {
		size_t drop = c->tail_len + len - sizeof(c->tail);

		memmove(c->tail, c->tail + drop, c->tail_len - drop);
		c->tail_len -= drop;
	}
	memcpy(c->tail + c->tail_len, bytes, len);
	c->tail_len += len;
}

/* Takes what is there; false at the end of the output. */
static bool read_output(const struct proc_opts *o, struct child *c)
{
	char buf[16 * 1024];
	ssize_t n = read(c->out, buf, sizeof(buf));

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	if (n == 0) {
		return false;
	}
	keep_tail(c, buf, (size_t)n);
	if (o->output) {
		size_t room = o->output->max - o->output->len;

		strbuf_add(o->output, buf, (size_t)n < room ? (size_t)n : room);
	}
	if (o->on_output) {
		o->on_output(o->ctx, buf, (size_t)n);
	}
	return true;
}

static void write_input(const struct proc_opts *o, struct child *c)
{
	ssize_t n =
		write(c->in, (const char *)o->stdin_bytes + c->in_done, o->stdin_len - c->in_done);

	if (n > 0) {
		c->in_done += (size_t)n;
	}
	if (c->in_done == o->stdin_len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(steal_fd(&c->in));
	}
}

/*
 * Moves bytes until the command has ended: its end is the pidfd's, not the pipe's, because what it
 * left in the background may hold the pipe for ever. False: the deadline passed.
 */
static bool pump(const struct proc_opts *o, struct child *c, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd p[] = {
			{.fd = c->pidfd, .events = POLLIN},
			{.fd = c->out, .events = POLLIN},
			{.fd = c->in, .events = POLLOUT},
		};
		int n = poll(p, ARRAY_LEN(p), clock_poll_timeout(deadline_ms));

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return false;
		}
		if (p[1].revents && !read_output(o, c)) {
			close(steal_fd(&c->out));
		}
		if (p[2].revents) {
			write_input(o, c);
		}
		if (p[0].revents && !(p[1].revents & POLLIN)) {
			return true;
		}
	}
}

/* The last line that was printed, without control characters. */
static const char *last_line(struct child *c, char buf[TAIL_MAX_BYTES + 1])
{
	size_t end = c->tail_len, start;

	while (end > 0 && (c->tail[end - 1] == '\n' || c->tail[end - 1] == '\r')) {
		end--;
	}
	for (start = end; start > 0 && c->tail[start - 1] != '\n'; start--) {
	}
	memcpy(buf, c->tail + start, end - start);
	buf[end - start] = '\0';
	for (char *s = buf; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20) {
			*s = ' ';
		}
	}
	return buf;
}

static int judge(const struct proc_opts *o, struct child *c, int status, struct err *e)
{
	char line[TAIL_MAX_BYTES + 1];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		return 0;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && c->tail_len == 0) {
		return err_set(e, ERR_INTERNAL, "cannot run %s: not found", o->argv[0]);
	}
	if (WIFEXITED(status)) {
		return err_set(e, ERR_INTERNAL, "%s ended with status %d: %.300s", o->argv[0],
			       WEXITSTATUS(status), last_line(c, line));
	}
	return err_set(e, ERR_INTERNAL, "%s was killed by signal %d: %.300s", o->argv[0],
		       WTERMSIG(status), last_line(c, line));
}

int proc_run(const struct proc_opts *o, struct err *e)
{
	struct child c = {.pid = -1, .pidfd = -1, .out = -1, .in = -1};
	int64_t deadline_ms = clock_mono_ms() + o->timeout_ms;
	bool in_time;
	int status = 0, rc;

	if (start(o, &c, e) < 0) {
		child_fini(&c);
		return -1;
	}
	in_time = pump(o, &c, deadline_ms);
	if (!in_time) {
		(void)kill(-c.pid, SIGKILL);
	}
	while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR) {
	}
	rc = in_time ? judge(o, &c, status, e)
		     : err_set(e, ERR_TIMEOUT, "%s took longer than %lld ms and was killed",
			       o->argv[0], (long long)o->timeout_ms);
	child_fini(&c);
	return rc;
}
