#pragma once

/* The relay in this process, with real sockets that never block. The app's supervision is a
 * stand-in. */

#include "clock.h"
#include "fds.h"
#include "relay.h"
#include "relay_secrets.h"
#include "sandbox-image/agent/app.h" /* not the API's */
#include "strbuf.h"
#include "turn_until.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#define DEADLINE_MS 20000

static struct agent agent;

/* The stand-in. */

static struct app_view view;
static struct app_watcher *watcher;
static size_t n_lines, line_bytes;

const char *app_state_name(enum app_state state)
{
	static const char *const names[] = {
		[APP_STOPPED] = "stopped",   [APP_INSTALLING] = "installing",
		[APP_STARTING] = "starting", [APP_RUNNING] = "running",
		[APP_CRASHED] = "crashed",   [APP_EXITED] = "exited",
	};

	return names[state];
}

void app_view(const struct agent *a, struct app_view *ret)
{
	(void)a;
	*ret = view;
}

json_t *app_state_json(struct agent *a)
{
	(void)a;
	return json_pack("{s:s}", "state", app_state_name(view.state));
}

json_t *app_last_lines(struct agent *a, size_t n)
{
	json_t *lines = json_array();

	(void)a;
	for (size_t i = 0; i < n && i < n_lines; i++) {
		char *text = malloc(line_bytes + 1);

		memset(text, 'a' + (int)(i % 26), line_bytes);
		text[line_bytes] = '\0';
		json_array_append_new(lines, json_pack("{s:s,s:s,s:s}", "stream", "stdout",
						       "source", "app", "text", text));
		free(text);
	}
	return lines;
}

void app_watch(struct agent *a, struct app_watcher *w)
{
	(void)a;
	assert_null(watcher);
	watcher = w;
}

void app_unwatch(struct agent *a, struct app_watcher *w)
{
	(void)a;
	assert_ptr_equal(watcher, w);
	watcher = NULL;
}

static inline void app_is(enum app_state state, in_port_t port)
{
	view.state = state;
	view.port = port;
	if (watcher) {
		watcher->changed(watcher);
	}
}

/* Set-up, and sockets that never block. */

static inline int start_relay(void **state)
{
	struct err e;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	agent = (struct agent){0};
	view = (struct app_view){.state = APP_STOPPED};
	n_lines = 0;
	strcpy(agent.settings.relay_secret, SECRET);
	agent.base = event_base_new();
	return agent.base ? relay_init(&agent, &e) : -1;
}

static inline int stop_relay(void **state)
{
	(void)state;
	relay_fini(&agent);
	event_base_free(agent.base);
	return watcher ? -1 : 0;
}

static inline void turn(void)
{
	(void)event_base_loop(agent.base, EVLOOP_NONBLOCK);
}

static inline int dial(in_port_t port)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(fds_nonblock(fd), 0);
	return fd;
}

static inline int open_relay(const char *line)
{
	int fd = dial(relay_port(&agent));

	assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	return fd;
}

/* A port nobody listens on until listen(2) is called. */
static inline int bind_app(bool v6, in_port_t *ret_port)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	struct sockaddr_in at4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	const int on = 1;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(v6 ? bind(fd, (struct sockaddr *)&at, sizeof(at))
			    : bind(fd, (struct sockaddr *)&at4, sizeof(at4)),
			 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_port = ntohs(at.sin6_port);
	return fd;
}

static inline int listen_app(in_port_t *ret_port)
{
	int fd = bind_app(false, ret_port);

	assert_int_equal(listen(fd, 1024), 0);
	return fd;
}

static inline int accept_app(int fd)
{
	int got;

	turn_until((got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
	return got;
}

/* Reads up to a line feed. */
static inline const char *read_line(int fd)
{
	static char line[256];
	size_t len = 0;

	while (len == 0 || line[len - 1] != '\n') {
		assert_true(len < sizeof(line) - 1);
		turn_until(recv(fd, line + len, 1, 0) == 1);
		len++;
	}
	line[len - 1] = '\0';
	return line;
}

/* Everything until the end; *ret_reset tells how it ended. */
static inline void read_all(int fd, struct strbuf *b, bool *ret_reset)
{
	static char buf[65536];
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	ssize_t n;

	for (;;) {
		assert_true(clock_mono_ms() < end);
		turn();
		n = recv(fd, buf, sizeof(buf), 0);
		if (n > 0) {
			strbuf_add(b, buf, (size_t)n);
		} else if (n == 0 || errno != EAGAIN) {
			break;
		}
	}
	if (ret_reset) {
		*ret_reset = n < 0;
	}
}

static inline void assert_says(const char *line, const char *want)
{
	struct strbuf b;
	int fd = open_relay(line);

	strbuf_init(&b, 1 << 20);
	read_all(fd, &b, NULL);
	if (strncmp(b.data, want, strlen(want)) != 0) {
		fail_msg("%s was answered %s, wanted %s", line, b.data, want);
	}
	strbuf_fini(&b);
	close(fd);
}

static inline const char *line_for(const char *secret, in_port_t port, int wait_ms)
{
	static char line[256];

	(void)snprintf(line, sizeof(line), "SLW1 %s %u %d\n", secret, port, wait_ms);
	return line;
}

/* What each end sends arrives at the other. */
static inline void check_echo(int client, int app)
{
	char got[8] = "";

	assert_int_equal(send(client, "ping", 4, MSG_NOSIGNAL), 4);
	turn_until(recv(app, got, sizeof(got), 0) == 4);
	assert_string_equal(got, "ping");
	assert_int_equal(send(app, "pong!", 5, MSG_NOSIGNAL), 5);
	turn_until(recv(client, got, sizeof(got), 0) == 5);
	assert_string_equal(got, "pong!");
}
