/* Whom the relay lets in, what it tells, and how long it waits for an app. */

#include "relay_fixture.h"

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
#define WITH_RELAY(t) cmocka_unit_test_setup_teardown(t, start_relay, stop_relay)
		WITH_RELAY(strangers_are_refused),
		WITH_RELAY(the_states_are_told),
		WITH_RELAY(a_port_that_does_not_listen_is_refused),
		WITH_RELAY(it_never_connects_to_itself),
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
