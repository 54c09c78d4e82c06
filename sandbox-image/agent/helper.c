#include "helper.h"

#include "cleanup.h"
#include "fds.h"
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define READ_STEP  (64 * 1024)
#define DEADLINE_S 120

struct helper_result {
	bool ok;
	struct err error;
};

struct helper {
	TAILQ_ENTRY(helper) link;
	struct conn *conn;
	const char *content_type;
	pid_t pid; /* -1: reaped */
	int out, result;
	struct event *out_readable, *result_readable, *deadline;
	bool out_ended, result_known, timed_out;
	struct helper_result end;
};

static void helper_destroy(struct helper *h)
{
	struct agent *agent = conn_agent(h->conn);
	struct event *events[] = {h->out_readable, h->result_readable, h->deadline};

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (events[i]) {
			event_free(events[i]);
		}
	}
	fds_close(&h->out);
	fds_close(&h->result);
	if (h->pid > 0) {
		(void)kill(h->pid, SIGKILL);
	}
	TAILQ_REMOVE(&agent->helpers, h, link);
	agent->n_helpers--;
	free(h);
}

static void finish_if_done(struct helper *h)
{
	struct conn *c = h->conn;

	if (!h->out_ended || !h->result_known) {
		return;
	}
	if (!h->end.ok) {
		if (conn_answer_begun(c)) {
			conn_abort(c);
		} else {
			conn_reply_err(c, &h->end.error);
		}
		return;
	}
	if (!h->content_type) {
		conn_reply(c, 204, NULL, "", 0);
		return;
	}
	if (!conn_answer_begun(c)) {
		conn_begin_chunked(c, h->content_type);
	}
	conn_end(c);
}

static void on_out(evutil_socket_t fd, short what, void *arg)
{
	static char buf[READ_STEP];
	struct helper *h = arg;
	struct conn_piece piece = {.bytes = buf};
	ssize_t n;

	(void)what;
	if (conn_pending(h->conn) >= CONN_OUTPUT_HIGH_BYTES) {
		(void)event_del(h->out_readable);
		return;
	}
	n = read(fd, buf, sizeof(buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n <= 0) {
		(void)event_del(h->out_readable);
		h->out_ended = true;
		finish_if_done(h);
		return;
	}
	if (!conn_answer_begun(h->conn)) {
		conn_begin_chunked(h->conn, h->content_type);
	}
	piece.len = (size_t)n;
	conn_add(h->conn, &piece, 1);
}

static void on_result(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;
	ssize_t n = recv(fd, &h->end, sizeof(h->end), MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n != (ssize_t)sizeof(h->end)) {
		h->end.ok = false;
		err_set(&h->end.error, h->timed_out ? ERR_TIMEOUT : ERR_INTERNAL,
			h->timed_out ? "the file operation took too long"
				     : "the file operation was killed");
	}
	(void)event_del(h->result_readable);
	h->result_known = true;
	finish_if_done(h);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;

	(void)fd;
	(void)what;
	h->timed_out = true;
	if (h->pid > 0) {
		(void)kill(h->pid, SIGKILL);
	}
}

__attribute__((noreturn)) static void helper_main(const struct workspace *w, helper_fn *fn,
						  const char *arg, int out, int result,
						  pid_t parent)
{
	const int keep[] = {w->dir_fd, out, result};
	struct helper_result r = {.ok = false};

	(void)prctl(PR_SET_NAME, "slipway-files");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) {
		_exit(1);
	}
	fds_close_except(keep, ARRAY_LEN(keep));
	if (identity_enter(w->uid, &r.error) == 0) {
		/* A change of fsuid clears it (prctl(2)). */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		r.ok = fn(w, arg, out, &r.error) == 0;
	}
	(void)send(result, &r, sizeof(r), MSG_NOSIGNAL);
	_exit(0);
}

/* The events of a helper whose descriptors are open. */
static int watch(struct helper *h, struct err *e)
{
	struct event_base *base = conn_agent(h->conn)->base;
	const struct timeval tv = {.tv_sec = DEADLINE_S};

	h->out_readable = event_new(base, h->out, EV_READ | EV_PERSIST, on_out, h);
	h->result_readable = event_new(base, h->result, EV_READ | EV_PERSIST, on_result, h);
	h->deadline = evtimer_new(base, on_deadline, h);
	if (!h->out_readable || !h->result_readable || !h->deadline ||
	    event_add(h->out_readable, NULL) < 0 || event_add(h->result_readable, NULL) < 0 ||
	    event_add(h->deadline, &tv) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

static int launch(struct helper *h, helper_fn *fn, const char *arg, struct err *e)
{
	const struct agent *agent = conn_agent(h->conn);
	auto_close int out = -1, result = -1;
	int pair[2];
	pid_t parent = getpid();

	if (pipe2(pair, O_CLOEXEC) < 0) {
		return err_errno(e, ERR_UNAVAILABLE, "cannot make a pipe");
	}
	h->out = pair[0];
	out = pair[1];
	if (fds_nonblock(h->out) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		return err_errno(e, ERR_UNAVAILABLE, "cannot make a socket pair");
	}
	h->result = pair[0];
	result = pair[1];
	if (watch(h, e) < 0) {
		return -1;
	}
	h->pid = fork();
	if (h->pid < 0) {
		return err_errno(e, ERR_UNAVAILABLE, "the sandbox cannot start another process");
	}
	if (h->pid == 0) {
		helper_main(&agent->workspace, fn, arg, out, result, parent);
	}
	return 0;
}

int helper_start(struct conn *c, helper_fn *fn, const char *arg, const char *content_type,
		 struct err *e)
{
	struct agent *agent = conn_agent(c);
	struct helper *h;

	if (agent->n_helpers >= AGENT_HELPERS_MAX) {
		return err_set(e, ERR_RATE_LIMITED, "%d file operations are going on already",
			       agent->n_helpers);
	}
	h = calloc(1, sizeof(*h));
	if (!h) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	h->conn = c;
	h->content_type = content_type;
	h->pid = h->out = h->result = -1;
	TAILQ_INSERT_TAIL(&agent->helpers, h, link);
	agent->n_helpers++;
	if (launch(h, fn, arg, e) < 0) {
		helper_destroy(h);
		return -1;
	}
	conn_set_data(c, h);
	return 0;
}

void helper_on_writable(struct conn *c)
{
	struct helper *h = conn_data(c);

	if (h && !h->out_ended) {
		(void)event_add(h->out_readable, NULL);
	}
}

void helper_on_gone(struct conn *c)
{
	struct helper *h = conn_data(c);

	if (h) {
		helper_destroy(h);
	}
}

void helper_reaped(struct agent *agent, pid_t pid)
{
	struct helper *h;

	TAILQ_FOREACH(h, &agent->helpers, link)
	{
		if (h->pid == pid) {
			h->pid = -1;
		}
	}
}

size_t helper_pids(const struct agent *agent, pid_t *ret, size_t max)
{
	const struct helper *h;
	size_t n = 0;

	TAILQ_FOREACH(h, &agent->helpers, link)
	{
		if (h->pid > 0 && n < max) {
			ret[n++] = h->pid;
		}
	}
	return n;
}
