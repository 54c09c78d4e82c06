#include "supervised.h"

#include "fds.h"
#include "reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

void supervised_init(struct supervised *s, struct agent *agent, void *owner)
{
	*s = (struct supervised){.agent = agent, .control = -1, .owner = owner};
}

static void hang_up(struct supervised *s)
{
	if (s->readable) {
		event_free(s->readable);
		s->readable = NULL;
	}
	fds_close(&s->control);
}

void supervised_fini(struct supervised *s)
{
	hang_up(s);
	if (s->active) {
		s->active = false;
		TAILQ_REMOVE(&s->agent->supervised, s, link);
	}
}

static void ended(struct supervised *s, const struct supervisor_msg *m)
{
	supervised_fini(s);
	s->ended(s, m);
}

/*
 * The next message; 0 at the end, -1 when there is none yet. A supervisor that ends without having
 * read our byte resets the connection: that is reported before the message that waits behind it.
 */
static ssize_t receive(int control, struct supervisor_msg *m)
{
	ssize_t n;

	do {
		n = recv(control, m, sizeof(*m), MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	return n < 0 && errno != EAGAIN ? 0 : n;
}

static void on_control(evutil_socket_t fd, short what, void *arg)
{
	struct supervised *s = arg;
	struct supervisor_msg m;
	ssize_t n = receive(fd, &m);

	(void)what;
	if (n < 0) {
		return;
	}
	if (n != (ssize_t)sizeof(m) || m.type == SUPERVISOR_STUCK) {
		/* Killed from outside (out of memory), or beaten. */
		hang_up(s);
		s->sweeping = true;
		reaper_sweep(s->agent);
		return;
	}
	if (m.type == SUPERVISOR_STARTED) {
		s->started(s, m.pid);
	} else {
		ended(s, &m);
	}
}

void supervised_swept(struct supervised *s)
{
	const struct supervisor_msg m = {.type = SUPERVISOR_DONE, .wait_status = SIGKILL};

	ended(s, &m);
}

static int listen_to(struct supervised *s, struct err *e)
{
	s->readable = event_new(s->agent->base, s->control, EV_READ | EV_PERSIST, on_control, s);
	if (!s->readable || event_add(s->readable, NULL) < 0) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

int supervised_start(struct supervised *s, const struct run_request *rq,
		     const struct spawn_stdio *stdio, struct err *e)
{
	int pair[2];
	int result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		return err_errno(e, ERR_UNAVAILABLE, "cannot make a socket pair");
	}
	s->control = pair[0];
	s->kill_sent = s->sweeping = false;
	result = listen_to(s, e);
	if (result == 0) {
		result = supervisor_start(rq, &s->agent->workspace, pair[1], stdio, &s->pid, e);
	}
	fds_close(&pair[1]);
	if (result < 0) {
		hang_up(s);
		return -1;
	}
	s->active = true;
	TAILQ_INSERT_TAIL(&s->agent->supervised, s, link);
	return 0;
}

static void tell(struct supervised *s, char what)
{
	if (s->control >= 0) {
		(void)send(s->control, &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

void supervised_kill(struct supervised *s)
{
	if (!s->kill_sent) {
		s->kill_sent = true;
		tell(s, SUPERVISOR_KILL);
	}
}

void supervised_terminate(struct supervised *s)
{
	if (!s->kill_sent) {
		tell(s, SUPERVISOR_TERMINATE);
	}
}

void supervised_hang_up(struct supervised *s)
{
	if (!s->kill_sent) {
		tell(s, SUPERVISOR_HANG_UP);
	}
}
