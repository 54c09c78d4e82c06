/* What the relay copies both ways: everything, in order, within bounds, with its end. */

#include "cleanup.h"
#include "relay_fixture.h"
#include "relay_flow.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

/* A network of this program's own: there ::1 exists also on machines without IPv6. Only root may.
 */
static int enter_own_network(void **state)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	auto_close int fd = -1;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		return errno == EPERM ? 0 : -1;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return ioctl(fd, SIOCSIFFLAGS, &lo);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WITH_RELAY(t) cmocka_unit_test_setup_teardown(t, start_relay, stop_relay)
		WITH_RELAY(bytes_pass_both_ways),
		WITH_RELAY(a_port_on_ipv6_alone_is_reached),
		WITH_RELAY(bytes_behind_the_line_go_to_the_app),
		WITH_RELAY(half_a_close_is_passed_on),
		WITH_RELAY(a_reset_is_passed_on),
		WITH_RELAY(an_early_answer_arrives_whole),
		WITH_RELAY(much_passes_unchanged),
		WITH_RELAY(a_reader_that_does_not_read_stops_the_writer),
	};

	return cmocka_run_group_tests(tests, enter_own_network, NULL);
}
