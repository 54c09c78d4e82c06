#include "relay.h"

#include "fds.h"
#include "relay_private.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG	     1024
#define ACCEPT_BURST 64

/* How long nobody is accepted when descriptors or memory have run out. */
#define ACCEPT_PAUSE_MS 100

#define LINE_DEADLINE_MS (5 * 1000)
#define SAY_DEADLINE_MS	 (5 * 1000)

/* Connections without a good first line: the oldest goes when there are more, so that they cannot
 * keep out those that have one. */
#define GUESTS_MAX RELAY_CONNS_MAX

#define LAST_LINES 40

/* A peer that vanished is noticed within two minutes. */
#define KEEPALIVE_IDLE_S  60
#define KEEPALIVE_EVERY_S 15
#define KEEPALIVE_PROBES  4

void relay_conn_arm(struct relay_conn *c, int64_t ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	(void)event_add(&c->deadline, &tv);
}

static struct relay_conn_list *list_of(struct relay *r, enum relay_state state, size_t **ret_n)
{
	switch (state) {
	case RELAY_WAITING:
		*ret_n = &r->n_open;
		return &r->waiting;
	case RELAY_CONNECTING:
	case RELAY_COPYING:
		*ret_n = &r->n_open;
		return &r->open;
	case RELAY_GREETING:
	case RELAY_SAYING:
		break;
	}
	*ret_n = &r->n_guests;
	return &r->guests;
}

static void leave(struct relay_conn *c)
{
	size_t *n;
	struct relay_conn_list *list = list_of(c->relay, c->state, &n);

	TAILQ_REMOVE(list, c, link);
	(*n)--;
}

static void enter(struct relay_conn *c, enum relay_state state)
{
	size_t *n;
	struct relay_conn_list *list = list_of(c->relay, state, &n);

	c->state = state;
	TAILQ_INSERT_TAIL(list, c, link);
	(*n)++;
}

void relay_conn_enter(struct relay_conn *c, enum relay_state state)
{
	leave(c);
	enter(c, state);
}

void relay_conn_destroy(struct relay_conn *c)
{
	leave(c);
	relay_pair_stop(&c->pair);
	(void)event_del(&c->readable);
	(void)event_del(&c->deadline);
	(void)event_del(&c->connected);
	fds_close(&c->client);
	fds_close(&c->app);
	free(c);
}

static void on_over(struct relay_pair *p)
{
	relay_conn_destroy((struct relay_conn *)((char *)p - offsetof(struct relay_conn, pair)));
}

/* Sends these bytes as the whole answer. */
static void say(struct relay_conn *c, const char *bytes, size_t len)
{
	(void)event_del(&c->connected);
	fds_close(&c->app);
	relay_conn_enter(c, RELAY_SAYING);
	relay_conn_arm(c, SAY_DEADLINE_MS);
	if (relay_pair_say(&c->pair, c->relay->agent->base, c->client, bytes, len) < 0) {
		relay_conn_destroy(c);
	}
}

void relay_conn_refuse(struct relay_conn *c, const char *reason, const char *text)
{
	char line[ERR_TEXT_MAX_BYTES];
	int len = snprintf(line, sizeof(line), "NO %s %s\n", reason, text);

	say(c, line, (size_t)len);
}

void relay_conn_copy(struct relay_conn *c)
{
	char line[16];
	int len = snprintf(line, sizeof(line), "OK %u\n", c->port);

	(void)event_del(&c->deadline);
	/* The first bytes into an empty socket buffer always fit. */
	if (send(c->client, line, (size_t)len, MSG_NOSIGNAL) != len) {
		relay_conn_destroy(c);
		return;
	}
	relay_conn_enter(c, RELAY_COPYING);
	relay_pair_start(&c->pair, c->relay->agent->base, c->client, c->app);
}

/* Drops the oldest lines until the rest has at most `room` bytes as JSON. */
static void cut_lines(json_t *lines, size_t room)
{
	size_t used = 0;

	for (size_t i = json_array_size(lines); i > 0; i--) {
		used += json_dumpb(json_array_get(lines, i - 1), NULL, 0, JSON_COMPACT) + 1;
		if (used > room) {
			for (; i > 0; i--) {
				(void)json_array_remove(lines, 0);
			}
			return;
		}
	}
}

static json_t *status_json(struct agent *agent, size_t max)
{
	json_t *state = app_state_json(agent);
	json_t *lines = app_last_lines(agent, LAST_LINES);
	size_t used = json_dumpb(state, NULL, 0, JSON_COMPACT) + sizeof(",\"lines\":[]");

	if (!state || !lines || used > max) {
		json_decref(state);
		json_decref(lines);
		return NULL;
	}
	cut_lines(lines, max - used);
	if (json_object_set_new(state, "lines", lines) < 0) {
		json_decref(state);
		return NULL;
	}
	return state;
}

static void say_status(struct relay_conn *c)
{
	static char answer[RELAY_FLOW_BYTES];
	const size_t head = strlen("OK 0\n");
	json_t *status = status_json(c->relay->agent, sizeof(answer) - head);
	size_t len = 0;

	memcpy(answer, "OK 0\n", head);
	if (status) {
		len = json_dumpb(status, answer + head, sizeof(answer) - head, JSON_COMPACT);
	}
	json_decref(status);
	if (len == 0 || len > sizeof(answer) - head) {
		relay_conn_destroy(c);
		return;
	}
	say(c, answer, head + len);
}

static void act_on_line(struct relay_conn *c)
{
	const struct settings *s = &c->relay->agent->settings;

	(void)event_del(&c->readable);
	(void)event_del(&c->deadline);
	switch (relay_line_parse(c->line, c->line_len, s->relay_secret, &c->rq)) {
	case RELAY_LINE_SYNTAX:
		relay_conn_refuse(c, "syntax",
				  "the first line is not SLW1 <secret> <port> <wait_ms>");
		return;
	case RELAY_LINE_SECRET:
		relay_conn_refuse(c, "secret", "this is not the secret of this start");
		return;
	case RELAY_LINE_OK:
		break;
	}
	if (c->rq.status) {
		say_status(c);
	} else if (c->relay->n_open >= RELAY_CONNS_MAX) {
		relay_conn_refuse(c, "limit", "too many connections are open");
	} else {
		relay_connect(c);
	}
}

/*
 * Takes the line and not a byte behind it: what a client sent ahead stays in the socket until there
 * is an app to give it to.
 */
static void read_line(struct relay_conn *c)
{
	char *at = c->line + c->line_len;
	size_t room = sizeof(c->line) - c->line_len;
	ssize_t n = recv(c->client, at, room, MSG_PEEK);
	const char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n <= 0) {
		relay_conn_destroy(c);
		return;
	}
	end = memchr(at, '\n', (size_t)n);
	n = recv(c->client, at, end ? (size_t)(end - at) + 1 : (size_t)n, 0);
	if (n <= 0) {
		relay_conn_destroy(c);
		return;
	}
	c->line_len += (size_t)n;
	if (end) {
		c->line_len--;
		act_on_line(c);
	} else if (c->line_len == sizeof(c->line)) {
		act_on_line(c); /* too long, which is a fault of its syntax */
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_line(arg);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct relay_conn *c = arg;

	(void)fd;
	(void)what;
	switch (c->state) {
	case RELAY_GREETING:
		(void)event_del(&c->readable);
		relay_conn_refuse(c, "syntax", "the first line did not come within 5 s");
		break;
	case RELAY_WAITING:
	case RELAY_CONNECTING:
		relay_connect_deadline(c);
		break;
	case RELAY_COPYING:
	case RELAY_SAYING:
		relay_conn_destroy(c);
		break;
	}
}

static void tune(int fd)
{
	const int on = 1, idle = KEEPALIVE_IDLE_S, every = KEEPALIVE_EVERY_S,
		  probes = KEEPALIVE_PROBES;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/* It may only be slow to send its line, so it is told, as far as that goes without waiting. */
static void turn_out(struct relay_conn *c)
{
	static const char line[] = "NO limit too many connections are open\n";

	if (c->state == RELAY_GREETING) {
		(void)send(c->client, line, sizeof(line) - 1, MSG_NOSIGNAL);
	}
	relay_conn_destroy(c);
}

static void greet(struct relay *relay, int fd)
{
	struct event_base *base = relay->agent->base;
	struct relay_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	if (relay->n_guests >= GUESTS_MAX) {
		turn_out(TAILQ_FIRST(&relay->guests));
	}
	tune(fd);
	c->relay = relay;
	c->client = fd;
	c->app = -1;
	c->pair.over = on_over;
	(void)event_assign(&c->readable, base, fd, EV_READ | EV_PERSIST, on_readable, c);
	(void)event_assign(&c->connected, base, -1, 0, on_readable, c);
	(void)evtimer_assign(&c->deadline, base, on_deadline, c);
	enter(c, RELAY_GREETING);
	(void)event_add(&c->readable, NULL);
	relay_conn_arm(c, LINE_DEADLINE_MS);
	/* It is usually there already. */
	read_line(c);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
	struct relay *relay = arg;

	(void)what;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client >= 0) {
			greet(relay, client);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			/* The backlog would wake us again at once. */
			(void)event_del(&relay->accept);
			(void)event_add(&relay->accept_again, &pause);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct relay *relay = arg;

	(void)fd;
	(void)what;
	(void)event_add(&relay->accept, NULL);
}

static int listen_on(in_port_t port, int *ret_fd, in_port_t *ret_port, struct err *e)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t len = sizeof(sa);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0) {
		err_errno(e, ERR_INTERNAL, "the relay cannot listen on port %u", port);
		fds_close(&fd);
		return -1;
	}
	*ret_fd = fd;
	*ret_port = ntohs(sa.sin_port);
	return 0;
}

int relay_init(struct agent *agent, struct err *e)
{
	struct relay *r;

	if (agent->settings.relay_secret[0] == '\0') {
		return 0;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (listen_on(agent->settings.relay_port, &r->listen_fd, &r->port, e) < 0) {
		free(r);
		return -1;
	}
	r->agent = agent;
	TAILQ_INIT(&r->guests);
	TAILQ_INIT(&r->waiting);
	TAILQ_INIT(&r->open);
	relay_connect_init(r);
	(void)event_assign(&r->accept, agent->base, r->listen_fd, EV_READ | EV_PERSIST, on_accept,
			   r);
	(void)evtimer_assign(&r->accept_again, agent->base, on_accept_again, r);
	(void)event_add(&r->accept, NULL);
	agent->relay = r;
	return 0;
}

static void destroy_all(struct relay_conn_list *list)
{
	struct relay_conn *c;

	while ((c = TAILQ_FIRST(list)) != NULL) {
		relay_conn_destroy(c);
	}
}

void relay_fini(struct agent *agent)
{
	struct relay *r = agent->relay;

	if (!r) {
		return;
	}
	destroy_all(&r->guests);
	destroy_all(&r->waiting);
	destroy_all(&r->open);
	relay_connect_fini(r);
	(void)event_del(&r->accept);
	(void)event_del(&r->accept_again);
	fds_close(&r->listen_fd);
	free(r);
	agent->relay = NULL;
}

in_port_t relay_port(const struct agent *agent)
{
	return agent->relay ? agent->relay->port : 0;
}
