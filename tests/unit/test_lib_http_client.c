/* http_client against a scripted peer on a unix socket. */

#include "cleanup.h"
#include "clock.h"
#include "http_client.h"
#include "unit.h"
#include "unix_sock.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

struct peer {
	char path[64];
	int listener;
	const char *reply; /* sent after the request's head has come */
	bool hold;	   /* keeps the connection open afterwards, silent */
	char seen[4096];
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct peer *p = arg;
	int fd = accept(p->listener, NULL, NULL);
	size_t used = 0;
	ssize_t n;

	while (used < sizeof(p->seen) - 1 && !strstr(p->seen, "\r\n\r\n") &&
	       (n = read(fd, p->seen + used, sizeof(p->seen) - 1 - used)) > 0) {
		used += (size_t)n;
		p->seen[used] = '\0';
	}
	n = send(fd, p->reply, strlen(p->reply), MSG_NOSIGNAL);
	while (p->hold && n > 0) {
		char drop[64];

		n = read(fd, drop, sizeof(drop)); /* until the client closes */
	}
	close(fd);
	return NULL;
}

static void start_peer(struct peer *p, const char *reply, bool hold)
{
	struct err e;

	*p = (struct peer){.reply = reply, .hold = hold};
	(void)snprintf(p->path, sizeof(p->path), "/tmp/slipway-peer-%d.sock", getpid());
	assert_ok(unix_listen(p->path, 0600, 4, &p->listener, &e));
	(void)fcntl(p->listener, F_SETFL, 0);
	assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
}

static void stop_peer(struct peer *p)
{
	pthread_join(p->thread, NULL);
	close(p->listener);
	unlink(p->path);
}

static struct http_request request(const struct peer *p)
{
	return (struct http_request){.method = "GET",
				     .url = "http://peer/x",
				     .unix_socket = p->path,
				     .connect_timeout_ms = 1000,
				     .total_timeout_ms = 5000,
				     .response_max_bytes = 100};
}

static int perform(const struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct http_client *c = http_client_create();
	int rc = http_client_perform(c, rq, rs, e);

	http_client_destroy(c);
	return rc;
}

static void a_small_answer_is_collected(void **state)
{
	struct http_response rs;
	struct http_request rq;
	struct peer p;
	struct err e;

	(void)state;
	start_peer(&p,
		   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/x\r\n"
		   "Retry-After: 7\r\n\r\nhi",
		   false);
	rq = request(&p);
	rq.method = "POST";
	rq.body = "{}";
	rq.body_len = 2;
	assert_ok(perform(&rq, &rs, &e));
	stop_peer(&p);
	assert_int_equal(rs.status, 200);
	assert_string_equal(rs.body.data, "hi");
	assert_string_equal(rs.content_type, "text/x");
	assert_int_equal(rs.retry_after_s, 7);
	assert_non_null(strstr(p.seen, "Content-Type: application/json"));
	assert_null(strstr(p.seen, "Expect"));
	http_response_fini(&rs);
}

static void answers_have_a_maximum(void **state)
{
	struct http_response rs;
	struct http_request rq;
	struct peer p;
	struct err e;

	(void)state;
	start_peer(&p,
		   "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
		   "12345678901234567890123456789012345678901234567890",
		   false);
	rq = request(&p);
	rq.response_max_bytes = 49;
	assert_err(perform(&rq, &rs, &e), ERR_TOO_LARGE);
	stop_peer(&p);
	http_response_fini(&rs);
}

static void failures_have_their_kind(void **state)
{
	static const struct {
		const char *reply;
		bool hold;
		enum err_kind kind;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", false, ERR_UPSTREAM},
		{"garbage\r\n\r\n", false, ERR_UPSTREAM},
		{"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nslow", true, ERR_TIMEOUT},
	};
	struct http_response rs;
	struct http_request rq;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct peer p;

		start_peer(&p, rows[i].reply, rows[i].hold);
		rq = request(&p);
		if (rows[i].hold) {
			rq.idle_timeout_ms = 200;
		}
		assert_err(perform(&rq, &rs, &e), rows[i].kind);
		stop_peer(&p);
		http_response_fini(&rs);
	}
	rq.unix_socket = "/tmp/slipway-nobody.sock";
	assert_err(perform(&rq, &rs, &e), ERR_UNAVAILABLE);
	http_response_fini(&rs);
}

/* "<before><piece><piece>…", for an answer that never ends. Free it. */
static char *endless(const char *before, const char *piece)
{
	struct strbuf b;

	strbuf_init(&b, 64 * 1024 * 1024);
	strbuf_adds(&b, before);
	while (b.len < 16 * 1024 * 1024) {
		strbuf_adds(&b, piece);
	}
	assert_false(b.failed);
	return b.data;
}

static void an_endless_answer_is_cut(void **state)
{
	static const struct {
		const char *before, *piece;
		int status; /* 0: ERR_UPSTREAM */
	} rows[] = {
		{"HTTP/1.1 500 No\r\n\r\n", "and so on, and so on, and so on", 500},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
		 "X-Trailer: and so on\r\n", 0},
		{"HTTP/1.1 200 OK\r\n", "X-Header: and so on\r\n", 0},
		{"", "HTTP/1.1 100 Continue\r\n\r\n", 0},
	};
	struct http_response rs;
	struct http_request rq;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *reply = endless(rows[i].before, rows[i].piece);
		struct peer p;

		start_peer(&p, reply, true);
		rq = request(&p);
		if (rows[i].status > 0) {
			assert_ok(perform(&rq, &rs, &e));
			assert_int_equal(rs.status, rows[i].status);
			assert_int_equal(rs.body.len, 64 * 1024);
		} else {
			assert_err(perform(&rq, &rs, &e), ERR_UPSTREAM);
		}
		assert_false(rs.callback_failed);
		stop_peer(&p);
		http_response_fini(&rs);
		free(reply);
	}
}

static int stop_at_once(void *ctx, struct err *e)
{
	(void)ctx;
	return err_set(e, ERR_CANCELLED, "enough");
}

static void a_tick_can_end_it(void **state)
{
	struct http_response rs;
	struct http_request rq;
	int64_t start = clock_mono_ms();
	struct peer p;
	struct err e;

	(void)state;
	start_peer(&p, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nslow", true);
	rq = request(&p);
	rq.on_tick = stop_at_once;
	rq.tick_ms = 20;
	assert_err(perform(&rq, &rs, &e), ERR_CANCELLED);
	assert_true(clock_mono_ms() - start < 2000);
	assert_true(rs.callback_failed);
	stop_peer(&p);
	http_response_fini(&rs);
}

static int global(void **state)
{
	struct err e;

	(void)state;
	return http_client_global_init(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_answer_is_collected),
		cmocka_unit_test(answers_have_a_maximum),
		cmocka_unit_test(failures_have_their_kind),
		cmocka_unit_test(an_endless_answer_is_cut),
		cmocka_unit_test(a_tick_can_end_it),
	};

	return cmocka_run_group_tests(tests, global, NULL);
}
