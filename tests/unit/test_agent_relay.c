/* The relay in this process: its first line, waiting for an app, and copying with real sockets. The
 * app's supervision is a stand-in. */

#include "clock.h"
#include "fds.h"
#include "relay.h"
#include "relay_flow.h"
#include "relay_line.h"
#include "sandbox-image/agent/app.h" /* not the API's */
#include "strbuf.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#define SECRET	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee"
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

static void app_is(enum app_state state, in_port_t port)
{
	view.state = state;
	view.port = port;
	if (watcher) {
		watcher->changed(watcher);
	}
}

/* Set-up, and sockets that never block. */

static int start_relay(void **state)
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

static int stop_relay(void **state)
{
	(void)state;
	relay_fini(&agent);
	event_base_free(agent.base);
	return watcher ? -1 : 0;
}

static void turn(void)
{
	(void)event_base_loop(agent.base, EVLOOP_NONBLOCK);
}

#define turn_until(done)                                                                           \
	do {                                                                                       \
		int64_t turn_end_ = clock_mono_ms() + DEADLINE_MS;                                 \
		while (!(done)) {                                                                  \
			assert_true(clock_mono_ms() < turn_end_);                                  \
			turn();                                                                    \
		}                                                                                  \
	} while (0)

static int dial(in_port_t port)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(fds_nonblock(fd), 0);
	return fd;
}

static int open_relay(const char *line)
{
	int fd = dial(relay_port(&agent));

	assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	return fd;
}

/* A port nobody listens on until listen(2) is called. */
static int bind_app(bool v6, in_port_t *ret_port)
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

static int listen_app(in_port_t *ret_port)
{
	int fd = bind_app(false, ret_port);

	assert_int_equal(listen(fd, 1024), 0);
	return fd;
}

static int accept_app(int fd)
{
	int got;

	turn_until((got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
	return got;
}

/* Reads up to a line feed. */
static const char *read_line(int fd)
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
static void read_all(int fd, struct strbuf *b, bool *ret_reset)
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

static void assert_says(const char *line, const char *want)
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

static const char *line_for(const char *secret, in_port_t port, int wait_ms)
{
	static char line[256];

	(void)snprintf(line, sizeof(line), "SLW1 %s %u %d\n", secret, port, wait_ms);
	return line;
}

/* Tests. */

static void lines_are_parsed_strictly(void **state)
{
	static const struct {
		const char *line;
		enum relay_line_result want;
	} cases[] = {
		{"SLW1 " SECRET " 0 0", RELAY_LINE_OK},
		{"SLW1 " SECRET " 65535 60000", RELAY_LINE_OK},
		{"SLW1 " SECRET " status 0", RELAY_LINE_OK},
		{"SLW1 " OTHER " 0 0", RELAY_LINE_SECRET},
		{"SLW1 " OTHER " status 0", RELAY_LINE_SECRET},
		{"", RELAY_LINE_SYNTAX},
		{"SLW1", RELAY_LINE_SYNTAX},
		{"SLW2 " SECRET " 0 0", RELAY_LINE_SYNTAX},
		{"slw1 " SECRET " 0 0", RELAY_LINE_SYNTAX},
		{"SLW1  " SECRET " 0 0", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET "0 0 0", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " 65536 0", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " 99999999999999999999 0", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " 0 60001", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " 080 0", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " -1 0", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " +1 0", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " 80", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " 80 ", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " 80 0 ", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " 80 0\r", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " status 1", RELAY_LINE_SYNTAX},
		{"SLW1 " SECRET " status", RELAY_LINE_SYNTAX},
		{"GET / HTTP/1.1", RELAY_LINE_SYNTAX},
	};
	struct relay_request rq = {.port = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (relay_line_parse(cases[i].line, strlen(cases[i].line), SECRET, &rq) !=
		    cases[i].want) {
			fail_msg("%s", cases[i].line);
		}
	}
	assert_int_equal(relay_line_parse(cases[1].line, strlen(cases[1].line), SECRET, &rq), 0);
	assert_int_equal(rq.port, 65535);
	assert_int_equal(rq.wait_ms, 60000);
	assert_false(rq.status);
	/* No secret is no secret that anybody could know. */
	assert_int_equal(relay_line_parse(cases[0].line, strlen(cases[0].line), "", &rq),
			 RELAY_LINE_SECRET);
}

static void strangers_are_refused(void **state)
{
	char flood[4096];

	(void)state;
	assert_says(line_for(OTHER, 0, 0), "NO secret ");
	assert_says("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "NO syntax ");
	memset(flood, 'x', sizeof(flood) - 1);
	flood[sizeof(flood) - 1] = '\0';
	assert_says(flood, "NO syntax ");
}

static void the_states_are_told(void **state)
{
	(void)state;
	assert_says(line_for(SECRET, 0, 60000), "NO stopped ");
	app_is(APP_CRASHED, 0);
	assert_says(line_for(SECRET, 0, 60000), "NO crashed ");
	app_is(APP_EXITED, 0);
	assert_says(line_for(SECRET, 0, 60000), "NO exited ");
	app_is(APP_INSTALLING, 0);
	assert_says(line_for(SECRET, 0, 0), "NO installing ");
	assert_says(line_for(SECRET, 0, 30), "NO installing ");
	app_is(APP_STARTING, 0);
	assert_says(line_for(SECRET, 0, 30), "NO starting ");
}

static void a_port_that_does_not_listen_is_refused(void **state)
{
	in_port_t port;
	int fd = bind_app(false, &port);
	int64_t from;

	(void)state;
	assert_says(line_for(SECRET, port, 0), "NO refused ");
	from = clock_mono_ms();
	assert_says(line_for(SECRET, port, 100), "NO refused ");
	assert_in_range(clock_mono_ms() - from, 99, 2000);
	/* Known to the app, but gone. */
	app_is(APP_RUNNING, port);
	assert_says(line_for(SECRET, 0, 0), "NO refused ");
	close(fd);
}

static void it_never_connects_to_itself(void **state)
{
	(void)state;
	assert_says(line_for(SECRET, relay_port(&agent), 0), "NO refused ");
	app_is(APP_RUNNING, relay_port(&agent));
	assert_says(line_for(SECRET, 0, 1000), "NO refused ");
}

static void check_echo(int client, int app)
{
	char got[8] = "";

	assert_int_equal(send(client, "ping", 4, MSG_NOSIGNAL), 4);
	turn_until(recv(app, got, sizeof(got), 0) == 4);
	assert_string_equal(got, "ping");
	assert_int_equal(send(app, "pong!", 5, MSG_NOSIGNAL), 5);
	turn_until(recv(client, got, sizeof(got), 0) == 5);
	assert_string_equal(got, "pong!");
}

static void bytes_pass_both_ways(void **state)
{
	in_port_t port;
	int app = listen_app(&port);
	int client = open_relay(line_for(SECRET, port, 0));
	int peer = accept_app(app);
	char want[16];

	(void)state;
	(void)snprintf(want, sizeof(want), "OK %u", port);
	assert_string_equal(read_line(client), want);
	check_echo(client, peer);
	close(client);
	close(peer);
	close(app);
}

static void a_port_on_ipv6_alone_is_reached(void **state)
{
	in_port_t port;
	int app = bind_app(true, &port);
	int client, peer;

	(void)state;
	assert_int_equal(listen(app, 16), 0);
	client = open_relay(line_for(SECRET, port, 0));
	peer = accept_app(app);
	assert_memory_equal(read_line(client), "OK ", 3);
	check_echo(client, peer);
	close(client);
	close(peer);
	close(app);
}

static void bytes_behind_the_line_go_to_the_app(void **state)
{
	char text[512], got[64] = "";
	in_port_t port;
	int app = listen_app(&port);
	int len =
		snprintf(text, sizeof(text), "%sGET / HTTP/1.1\r\n\r\n", line_for(SECRET, port, 0));
	size_t n = 0;
	int client, peer;

	(void)state;
	/* Byte by byte and at once: the line may be split anywhere. */
	for (int step = 1; step <= len; step += len / 3) {
		client = dial(relay_port(&agent));
		for (int at = 0; at < len; at += step) {
			int give = len - at < step ? len - at : step;

			assert_int_equal(send(client, text + at, (size_t)give, MSG_NOSIGNAL), give);
			turn();
		}
		peer = accept_app(app);
		for (n = 0; n < 18;) {
			ssize_t more = recv(peer, got + n, sizeof(got) - n, 0);

			turn();
			n += more > 0 ? (size_t)more : 0;
		}
		assert_memory_equal(got, "GET / HTTP/1.1\r\n\r\n", 18);
		close(client);
		close(peer);
	}
	close(app);
}

static void half_a_close_is_passed_on(void **state)
{
	in_port_t port;
	int app = listen_app(&port);
	int client = open_relay(line_for(SECRET, port, 0));
	int peer = accept_app(app);
	struct strbuf b;
	bool reset;

	(void)state;
	(void)read_line(client);
	strbuf_init(&b, 1024);
	assert_int_equal(send(client, "question", 8, MSG_NOSIGNAL), 8);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	read_all(peer, &b, &reset);
	assert_false(reset);
	assert_string_equal(b.data, "question");
	strbuf_reset(&b);
	assert_int_equal(send(peer, "answer", 6, MSG_NOSIGNAL), 6);
	close(peer);
	read_all(client, &b, &reset);
	assert_false(reset);
	assert_string_equal(b.data, "answer");
	strbuf_fini(&b);
	close(client);
	close(app);
}

static void a_reset_is_passed_on(void **state)
{
	const struct linger now = {.l_onoff = 1};
	in_port_t port;
	int app = listen_app(&port);
	int client = open_relay(line_for(SECRET, port, 0));
	int peer = accept_app(app);
	struct strbuf b;
	bool reset;

	(void)state;
	(void)read_line(client);
	strbuf_init(&b, 1024);
	(void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(peer);
	read_all(client, &b, &reset);
	assert_true(reset);
	strbuf_fini(&b);
	close(client);
	close(app);
}

/* An app that answers and closes without reading what was sent. */
static void an_early_answer_arrives_whole(void **state)
{
	static char upload[1 << 20];
	in_port_t port;
	int app = listen_app(&port);
	int client = open_relay(line_for(SECRET, port, 0));
	int peer = accept_app(app);
	struct strbuf b;

	(void)state;
	(void)read_line(client);
	strbuf_init(&b, 1024);
	assert_true(send(client, upload, sizeof(upload), MSG_NOSIGNAL) > 0);
	turn();
	assert_int_equal(send(peer, "too large", 9, MSG_NOSIGNAL), 9);
	turn_until(recv(client, upload, 9, MSG_PEEK) == 9);
	close(peer);
	for (int i = 0; i < 100; i++) {
		(void)send(client, upload, sizeof(upload), MSG_NOSIGNAL);
		turn();
	}
	(void)shutdown(client, SHUT_WR);
	read_all(client, &b, NULL);
	assert_string_equal(b.data, "too large");
	strbuf_fini(&b);
	close(client);
	close(app);
}

/* Pushes `total` bytes from one socket to the other, of which the reader takes a little at a time.
 */
static void push(int from, int to, size_t total)
{
	static unsigned char out[200000], in[150000];
	size_t sent = 0, got = 0;
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	while (got < total) {
		size_t give = total - sent < sizeof(out) ? total - sent : sizeof(out);
		ssize_t n;

		for (size_t i = 0; i < give; i++) {
			out[i] = (unsigned char)((sent + i) * 2654435761u >> 13);
		}
		n = give > 0 ? send(from, out, give, MSG_NOSIGNAL) : 0;
		sent += n > 0 ? (size_t)n : 0;
		turn();
		n = recv(to, in, sizeof(in), 0);
		for (ssize_t i = 0; i < n; i++) {
			assert_int_equal(in[i],
					 (unsigned char)((got + (size_t)i) * 2654435761u >> 13));
		}
		got += n > 0 ? (size_t)n : 0;
		assert_true(clock_mono_ms() < end);
	}
}

static void much_passes_unchanged(void **state)
{
	in_port_t port;
	int app = listen_app(&port);
	int client = open_relay(line_for(SECRET, port, 0));
	int peer = accept_app(app);

	(void)state;
	(void)read_line(client);
	push(client, peer, 20 << 20);
	push(peer, client, 20 << 20);
	close(client);
	close(peer);
	close(app);
}

/* The writer is stopped when the reader does not read: what lies between is bounded. */
static void a_reader_that_does_not_read_stops_the_writer(void **state)
{
	static char out[65536];
	const int small = 65536;
	in_port_t port;
	int app = listen_app(&port);
	int client = open_relay(line_for(SECRET, port, 0));
	int peer = accept_app(app);
	size_t sent = 0;
	int64_t quiet = clock_mono_ms();

	(void)state;
	(void)read_line(client);
	(void)setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	while (clock_mono_ms() - quiet < 200) {
		ssize_t n = send(peer, out, sizeof(out), MSG_NOSIGNAL);

		turn();
		if (n > 0) {
			sent += (size_t)n;
			quiet = clock_mono_ms();
		}
		assert_true(sent < 64 << 20);
	}
	close(client);
	close(peer);
	close(app);
}

static void it_waits_for_a_port_to_listen(void **state)
{
	in_port_t port;
	int app = bind_app(false, &port);
	int client = open_relay(line_for(SECRET, port, 60000));
	int64_t from;
	int peer;

	(void)state;
	for (int i = 0; i < 100; i++) {
		turn();
	}
	from = clock_mono_us();
	assert_int_equal(listen(app, 16), 0);
	peer = accept_app(app);
	assert_memory_equal(read_line(client), "OK ", 3);
	print_message("# LISTEN to connected: %lld us\n", (long long)(clock_mono_us() - from));
	assert_true(clock_mono_us() - from < 50000);
	check_echo(client, peer);
	close(client);
	close(peer);
	close(app);
}

static void it_waits_for_the_app(void **state)
{
	in_port_t port;
	int app = listen_app(&port);
	int client, second, peer;

	(void)state;
	app_is(APP_INSTALLING, 0);
	client = open_relay(line_for(SECRET, 0, 60000));
	second = open_relay(line_for(SECRET, 0, 60000));
	turn_until(watcher);
	for (int i = 0; i < 100; i++) {
		turn();
	}
	app_is(APP_STARTING, 0);
	app_is(APP_RUNNING, port);
	peer = accept_app(app);
	assert_memory_equal(read_line(client), "OK ", 3);
	check_echo(client, peer);
	assert_memory_equal(read_line(second), "OK ", 3);
	close(client);
	close(second);
	close(peer);
	/* Nobody waits, so nothing is watched. */
	turn_until(!watcher);
	client = open_relay(line_for(SECRET, 0, 60000));
	peer = accept_app(app);
	close(client);
	close(peer);
	close(app);
}

static void a_crash_ends_the_waiting(void **state)
{
	int client;

	(void)state;
	app_is(APP_STARTING, 0);
	client = open_relay(line_for(SECRET, 0, 60000));
	turn_until(watcher);
	app_is(APP_CRASHED, 0);
	assert_memory_equal(read_line(client), "NO crashed ", 11);
	close(client);
}

static void a_waiter_that_resets_is_forgotten(void **state)
{
	const struct linger now = {.l_onoff = 1};
	int client;

	(void)state;
	app_is(APP_STARTING, 0);
	client = open_relay(line_for(SECRET, 0, 60000));
	turn_until(watcher);
	(void)setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(client);
	turn_until(!watcher);
}

static void no_more_than_the_limit_is_served(void **state)
{
	int clients[RELAY_CONNS_MAX + 1];
	char got[4];

	(void)state;
	app_is(APP_STARTING, 0);
	for (int i = 0; i <= RELAY_CONNS_MAX; i++) {
		clients[i] = open_relay(line_for(SECRET, 0, 60000));
		turn();
	}
	assert_memory_equal(read_line(clients[RELAY_CONNS_MAX]), "NO limit ", 9);
	/* The state is told all the same, and strangers keep nobody out. */
	assert_says("SLW1 " SECRET " status 0\n", "OK 0\n{");
	for (int i = 0; i <= RELAY_CONNS_MAX; i++) {
		assert_int_equal(recv(clients[i], got, 1, 0), i < RELAY_CONNS_MAX ? -1 : 0);
		close(clients[i]);
	}
}

static void silent_guests_make_room(void **state)
{
	int guests[RELAY_CONNS_MAX + 8];
	struct strbuf b;

	(void)state;
	for (size_t i = 0; i < RELAY_CONNS_MAX + 8; i++) {
		guests[i] = dial(relay_port(&agent));
		turn();
	}
	assert_says("SLW1 " SECRET " status 0\n", "OK 0\n{");
	strbuf_init(&b, 1024);
	read_all(guests[0], &b, NULL);
	assert_string_equal(b.data, "NO limit too many connections are open\n");
	strbuf_fini(&b);
	for (size_t i = 0; i < RELAY_CONNS_MAX + 8; i++) {
		close(guests[i]);
	}
}

static void the_status_is_bounded_json(void **state)
{
	int fd;
	struct strbuf b;
	json_t *status;
	json_error_t why;

	(void)state;
	n_lines = 1000;
	for (line_bytes = 1; line_bytes <= 8192; line_bytes *= 8) {
		strbuf_init(&b, 1 << 20);
		fd = open_relay("SLW1 " SECRET " status 0\n");
		read_all(fd, &b, NULL);
		close(fd);
		assert_memory_equal(b.data, "OK 0\n", 5);
		assert_true(b.len - 5 <= 65536);
		status = json_loads(b.data + 5, 0, &why);
		assert_non_null(status);
		assert_string_equal(json_string_value(json_object_get(status, "state")), "stopped");
		assert_true(json_array_size(json_object_get(status, "lines")) >=
			    (line_bytes < 1024 ? 40 : 7));
		json_decref(status);
		strbuf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_parsed_strictly),
#define WITH_RELAY(t) cmocka_unit_test_setup_teardown(t, start_relay, stop_relay)
		WITH_RELAY(strangers_are_refused),
		WITH_RELAY(the_states_are_told),
		WITH_RELAY(a_port_that_does_not_listen_is_refused),
		WITH_RELAY(it_never_connects_to_itself),
		WITH_RELAY(bytes_pass_both_ways),
		WITH_RELAY(a_port_on_ipv6_alone_is_reached),
		WITH_RELAY(bytes_behind_the_line_go_to_the_app),
		WITH_RELAY(half_a_close_is_passed_on),
		WITH_RELAY(a_reset_is_passed_on),
		WITH_RELAY(an_early_answer_arrives_whole),
		WITH_RELAY(much_passes_unchanged),
		WITH_RELAY(a_reader_that_does_not_read_stops_the_writer),
		WITH_RELAY(it_waits_for_a_port_to_listen),
		WITH_RELAY(it_waits_for_the_app),
		WITH_RELAY(a_crash_ends_the_waiting),
		WITH_RELAY(a_waiter_that_resets_is_forgotten),
		WITH_RELAY(no_more_than_the_limit_is_served),
		WITH_RELAY(silent_guests_make_room),
		WITH_RELAY(the_status_is_bounded_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
