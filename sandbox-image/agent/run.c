#include "run.h"

#include "cleanup.h"
#include "fds.h"
#include "oom.h"
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define READ_STEP      (64 * 1024)
#define FRAMES_TYPE    "application/x-slipway-frames"
#define FLUSH_GRACE_MS 50

static void on_started(struct supervised *s, pid_t pid);
static void on_ended(struct supervised *s, const struct supervisor_msg *m);

struct run *run_create(struct agent *agent, struct run_request *rq, struct conn *conn)
{
	struct run *r = calloc(1, sizeof(*r));

	if (!r) {
		return NULL;
	}
	r->agent = agent;
	r->rq = rq;
	r->conn = conn;
	r->state = RUN_QUEUED;
	r->in.fd = r->out.fd = r->err.fd = -1;
	supervised_init(&r->supervised, agent, r);
	r->supervised.started = on_started;
	r->supervised.ended = on_ended;
	r->out.run = r->err.run = r;
	r->out.type = FRAME_STDOUT;
	r->err.type = FRAME_STDERR;
	return r;
}

static void free_event(struct event **ev)
{
	if (*ev) {
		event_free(*ev);
		*ev = NULL;
	}
}

static void close_fd(struct event **ev, int *fd)
{
	free_event(ev);
	fds_close(fd);
}

static void close_all(struct run *r)
{
	probe_destroy(r->probe);
	r->probe = NULL;
	free_event(&r->grace);
	supervised_fini(&r->supervised);
	close_fd(&r->in.writable, &r->in.fd);
	close_fd(&r->out.readable, &r->out.fd);
	close_fd(&r->err.readable, &r->err.fd);
}

void run_destroy(struct run *r)
{
	close_all(r);
	run_request_destroy(r->rq);
	free(r);
}

void run_send(struct run *r, enum frame_type type, const void *bytes, size_t len)
{
	const unsigned char header[FRAME_HEADER_BYTES] = {
		(unsigned char)type,	   (unsigned char)(len >> 24), (unsigned char)(len >> 16),
		(unsigned char)(len >> 8), (unsigned char)len,
	};
	const struct conn_piece pieces[] = {{header, sizeof(header)}, {bytes, len}};

	if (!r->conn) {
		return;
	}
	if (!conn_answer_begun(r->conn)) {
		conn_begin_chunked(r->conn, FRAMES_TYPE);
	}
	conn_add(r->conn, pieces, ARRAY_LEN(pieces));
}

void run_send_json(struct run *r, enum frame_type type, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text) {
		run_send(r, type, text, strlen(text));
	}
	free(text);
	json_decref(object);
}

static void finish(struct run *r, json_t *exit)
{
	struct conn *c = r->conn;

	run_send_json(r, FRAME_EXIT, exit);
	r->conn = NULL;
	if (c) {
		conn_end(c);
	}
}

void run_send_not_started(struct run *r, int exit_code, const char *signal_name)
{
	finish(r, json_pack("{s:i,s:s,s:b,s:b,s:b,s:b,s:i}", "exit_code", exit_code, "signal",
			    signal_name, "timed_out", 0, "truncated", 0, "oom_killed", 0,
			    "listening", 0, "duration_ms", 0));
}

/* "SIGKILL"; the numbers of real-time signals have no names. */
static void signal_text(int sig, char *ret, size_t cap)
{
	const char *name = sigabbrev_np(sig);

	if (name) {
		(void)snprintf(ret, cap, "SIG%s", name);
	} else {
		(void)snprintf(ret, cap, "SIG%d", sig);
	}
}

static json_t *exit_object(const struct run *r)
{
	int status = r->end.wait_status;
	bool signalled = WIFSIGNALED(status);
	bool oom = oom_kills(OOM_CGROUP_ROOT) > r->oom_kills_before &&
		   (r->alone || (signalled && WTERMSIG(status) == SIGKILL));
	/* A server that listens is not a program that took too long. */
	bool timed_out = r->end.timed_out && !r->listening;
	char name[16] = "";

	if (signalled) {
		signal_text(WTERMSIG(status), name, sizeof(name));
	}
	return json_pack("{s:i,s:s,s:b,s:b,s:b,s:b,s:I}", "exit_code",
			 WIFEXITED(status) ? WEXITSTATUS(status) : -1, "signal", name, "timed_out",
			 timed_out, "truncated", r->truncated, "oom_killed", oom, "listening",
			 r->listening, "duration_ms", (json_int_t)r->end.duration_ms);
}

void run_kill(struct run *r)
{
	supervised_kill(&r->supervised);
}

/* True when all there is to say of this stream was said. */
static bool stream_step(struct run_stream *s)
{
	static char buf[READ_STEP];
	struct run *r = s->run;
	int64_t room = r->rq->output_max_bytes - s->delivered_bytes;
	/* One byte more than may be delivered tells that there is more. */
	size_t want = room >= READ_STEP ? READ_STEP : (size_t)room + 1;
	ssize_t n = read(s->fd, buf, want);

	if (n < 0) {
		if (errno == EINTR) {
			return false;
		}
		if (errno == EAGAIN && r->state != RUN_DRAINING) {
			return false;
		}
		n = 0;
	}
	if (n == 0) {
		close_fd(&s->readable, &s->fd);
		return true;
	}
	if (n > room) {
		n = (ssize_t)room;
		r->truncated = true;
	}
	if (n > 0) {
		run_send(r, s->type, buf, (size_t)n);
		s->delivered_bytes += n;
	}
	if (r->truncated && s->delivered_bytes == r->rq->output_max_bytes) {
		close_fd(&s->readable, &s->fd);
		run_kill(r);
		return true;
	}
	return false;
}

static bool client_is_behind(const struct run *r)
{
	return r->conn && conn_pending(r->conn) >= CONN_OUTPUT_HIGH_BYTES;
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	struct run_stream *s = arg;

	(void)fd;
	(void)what;
	if (client_is_behind(s->run)) {
		(void)event_del(s->readable);
		return;
	}
	(void)stream_step(s);
}

/* After DONE: the rest of both pipes, as the client takes it; then EXIT. */
static void drain(struct run *r)
{
	struct run_stream *streams[] = {&r->out, &r->err};

	for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
		while (streams[i]->fd >= 0) {
			if (client_is_behind(r)) {
				return;
			}
			(void)stream_step(streams[i]);
		}
	}
	finish(r, exit_object(r));
	TAILQ_REMOVE(&r->agent->draining, r, link);
	run_destroy(r);
}

void run_resume(struct run *r)
{
	if (r->state == RUN_DRAINING) {
		drain(r);
		return;
	}
	if (r->out.readable) {
		(void)event_add(r->out.readable, NULL);
	}
	if (r->err.readable) {
		(void)event_add(r->err.readable, NULL);
	}
}

static void on_input_writable(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;
	size_t left = r->rq->stdin_len - r->in.written;
	ssize_t n = left > 0 ? write(fd, r->rq->stdin_text + r->in.written, left) : 0;

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n > 0) {
		r->in.written += (size_t)n;
	}
	/* All given, or the program closed its end: either way it sees the end. */
	if (n < 0 || r->in.written == r->rq->stdin_len) {
		close_fd(&r->in.writable, &r->in.fd);
	}
}

/* DELETE is answered when there is nothing left to kill. */
static void tell_waiter(struct run *r)
{
	struct conn *waiter = r->waiter;

	r->waiter = NULL;
	if (waiter) {
		conn_reply(waiter, 204, NULL, "", 0);
	}
}

/* Nothing of the run is alive: its place is free, though its client may still be reading. */
static void processes_ended(struct run *r)
{
	struct agent *agent = r->agent;

	/* Found, but the end came before its answer: still a server. */
	if (r->probe && !r->listening && probe_found(r->probe)) {
		r->listening = true;
		run_send_json(r, FRAME_LISTENING,
			      probe_failure(r->probe, "it had not answered when the run ended"));
	}
	probe_destroy(r->probe);
	r->probe = NULL;
	free_event(&r->grace);
	close_fd(&r->in.writable, &r->in.fd);
	r->state = RUN_DRAINING;
	TAILQ_REMOVE(&agent->running, r, link);
	TAILQ_INSERT_TAIL(&agent->draining, r, link);
	agent->n_running--;
	tell_waiter(r);
	drain(r);
	runs_slot_free(agent);
}

void run_not_started(struct run *r, const struct err *e)
{
	struct agent *agent = r->agent;
	struct conn *c = r->conn;

	TAILQ_REMOVE(&agent->running, r, link);
	agent->n_running--;
	tell_waiter(r);
	if (c && !conn_answer_begun(c)) {
		r->conn = NULL;
		conn_reply_err(c, e);
	} else if (c) {
		/* The status line is long gone; a shell says it like this. */
		char text[ERR_TEXT_MAX_BYTES + 16];
		int len = snprintf(text, sizeof(text), "slipway: %s\n", e->text);

		run_send(r, FRAME_STDERR, text, (size_t)len);
		run_send_not_started(r, 126, "");
	}
	run_destroy(r);
	runs_slot_free(agent);
}

static void on_probe_result(void *ctx, json_t *listening);

static void on_started(struct supervised *s, pid_t pid)
{
	struct run *r = s->owner;

	r->state = RUN_RUNNING;
	run_send_json(r, FRAME_STARTED, json_pack("{s:i}", "pid", (int)pid));
	if (r->probe) {
		probe_start(r->probe, s->pid, on_probe_result, r);
	}
}

static void on_ended(struct supervised *s, const struct supervisor_msg *m)
{
	struct run *r = s->owner;

	if (m->type == SUPERVISOR_FAILED) {
		run_not_started(r, &m->error);
		return;
	}
	r->end = *m;
	processes_ended(r);
}

static void on_grace_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	run_kill(arg);
}

static void on_probe_result(void *ctx, json_t *listening)
{
	const struct timeval tv = {.tv_usec = FLUSH_GRACE_MS * 1000};
	struct run *r = ctx;

	r->listening = true;
	run_send_json(r, FRAME_LISTENING, listening);
	r->grace = evtimer_new(r->agent->base, on_grace_over, r);
	if (!r->grace || event_add(r->grace, &tv) < 0) {
		run_kill(r);
	}
}

/* The pairs between agent and child: [0] read, [1] write. */
struct run_pipes {
	int in[2], out[2], err[2];
};

static void close_pipes(struct run_pipes *p)
{
	for (int i = 0; i < 2; i++) {
		fds_close(&p->in[i]);
		fds_close(&p->out[i]);
		fds_close(&p->err[i]);
	}
}

static int open_pipes(struct run_pipes *p, struct err *e)
{
	*p = (struct run_pipes){{-1, -1}, {-1, -1}, {-1, -1}};
	if (pipe2(p->in, O_CLOEXEC) < 0 || pipe2(p->out, O_CLOEXEC) < 0 ||
	    pipe2(p->err, O_CLOEXEC) < 0 || fds_nonblock(p->in[1]) < 0 ||
	    fds_nonblock(p->out[0]) < 0 || fds_nonblock(p->err[0]) < 0) {
		close_pipes(p);
		return err_errno(e, ERR_UNAVAILABLE, "cannot make pipes");
	}
	return 0;
}

static struct event *watch(struct run *r, int fd, short what, event_callback_fn fn, void *arg)
{
	struct event *ev = event_new(r->agent->base, fd, (short)(what | EV_PERSIST), fn, arg);

	if (ev && event_add(ev, NULL) < 0) {
		event_free(ev);
		return NULL;
	}
	return ev;
}

/* Takes the agent's ends out of *p. */
static int adopt_pipes(struct run *r, struct run_pipes *p, struct err *e)
{
	r->in.fd = steal_fd(&p->in[1]);
	r->out.fd = steal_fd(&p->out[0]);
	r->err.fd = steal_fd(&p->err[0]);
	r->in.writable = watch(r, r->in.fd, EV_WRITE, on_input_writable, r);
	r->out.readable = watch(r, r->out.fd, EV_READ, on_output, &r->out);
	r->err.readable = watch(r, r->err.fd, EV_READ, on_output, &r->err);
	if (!r->in.writable || !r->out.readable || !r->err.readable) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

int run_start(struct run *r, struct err *e)
{
	struct run_pipes p;
	struct spawn_stdio stdio;
	int result;

	if (open_pipes(&p, e) < 0) {
		return -1;
	}
	if (r->rq->probe_listen) {
		/* Now, so that what listens already is known. */
		r->probe = probe_create(r->agent);
		if (!r->probe) {
			close_pipes(&p);
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
	}
	r->oom_kills_before = oom_kills(OOM_CGROUP_ROOT);
	stdio = (struct spawn_stdio){.in = p.in[0], .out = p.out[1], .err = p.err[1]};
	result = adopt_pipes(r, &p, e);
	if (result == 0) {
		result = supervised_start(&r->supervised, r->rq, &stdio, e);
	}
	close_pipes(&p);
	if (result < 0) {
		close_all(r);
		return -1;
	}
	r->state = RUN_STARTING;
	return 0;
}

void run_detach(struct run *r)
{
	r->conn = NULL;
	if (r->state == RUN_DRAINING) {
		TAILQ_REMOVE(&r->agent->draining, r, link);
		run_destroy(r);
		return;
	}
	/* Nobody reads on: a writer gets EPIPE until it is killed. */
	close_fd(&r->out.readable, &r->out.fd);
	close_fd(&r->err.readable, &r->err.fd);
	run_kill(r);
}
