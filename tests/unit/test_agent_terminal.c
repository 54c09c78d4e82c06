/* What terminals are asked for, and what they remember. */

#include "replay.h"
#include "terminal_request.h"
#include "unit.h"

static void test_query(void **state)
{
	static const char id[] = "0123456789abcdef0123456789abcdef";
	static const char *const bad[] = {
		"cols=0",  "cols=1001", "cols=",
		"cols= 1", "cols=+1",	"cols=-1",
		"rows=1x", "rows=0x10", "rows=99999999999999999999",
	};
	struct terminal_request rq;
	char query[64];
	struct err e;

	(void)state;
	assert_ok(terminal_request_parse("", &rq, &e));
	assert_int_equal(rq.cols, 80);
	assert_int_equal(rq.rows, 24);
	assert_string_equal(rq.session, "");
	(void)snprintf(query, sizeof(query), "a=b&&rows=1&session=%s&cols=1000", id);
	assert_ok(terminal_request_parse(query, &rq, &e));
	assert_int_equal(rq.cols, 1000);
	assert_int_equal(rq.rows, 1);
	assert_string_equal(rq.session, id);
	assert_ok(terminal_request_parse("session=1&colsrows=0", &rq, &e));
	assert_string_equal(rq.session, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(terminal_request_parse(bad[i], &rq, &e), ERR_INVALID);
	}
}

static int resize(const char *text, int *ret_cols, int *ret_rows)
{
	struct err e;

	struct terminal_order order;

	if (terminal_order_parse(text, strlen(text), &order, &e) < 0 ||
	    order.type != TERMINAL_RESIZE) {
		return -1;
	}
	*ret_cols = order.cols;
	*ret_rows = order.rows;
	return 0;
}

static void test_resize(void **state)
{
	static const char *const bad[] = {
		"",
		"resize",
		"[]",
		"{}",
		"{\"type\":\"resize\",\"cols\":80}",
		"{\"type\":\"resize\",\"cols\":0,\"rows\":24}",
		"{\"type\":\"resize\",\"cols\":80,\"rows\":1001}",
		"{\"type\":\"resize\",\"cols\":80.5,\"rows\":24}",
		"{\"type\":\"resize\",\"cols\":80,\"rows\":24,\"x\":1}",
		"{\"type\":\"exit\",\"cols\":80,\"rows\":24}",
	};
	static char huge[2 * TERMINAL_TEXT_MAX_BYTES];
	int cols = -7, rows = -7;

	(void)state;
	memset(huge, ' ', sizeof(huge) - 1);
	memcpy(huge, "{}", 2);
	assert_int_equal(resize(huge, &cols, &rows), -1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(resize(bad[i], &cols, &rows), -1);
	}
	assert_int_equal(cols, -7);
	assert_int_equal(resize("{\"type\":\"resize\",\"cols\":120,\"rows\":40}", &cols, &rows), 0);
	assert_int_equal(cols, 120);
	assert_int_equal(rows, 40);
}

static void test_close(void **state)
{
	static const char *const bad[] = {
		"{\"type\":\"close\",\"cols\":80,\"rows\":24}",
		"{\"type\":\"close\",\"now\":true}",
		"{\"type\":\"closed\"}",
		"close",
	};
	struct terminal_order order;
	struct err e;

	(void)state;
	assert_ok(terminal_order_parse("{\"type\":\"close\"}", 16, &order, &e));
	assert_int_equal(order.type, TERMINAL_CLOSE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(terminal_order_parse(bad[i], strlen(bad[i]), &order, &e), ERR_INVALID);
	}
}

/* Every step size, against the plain end of what was added. */
static void test_replay(void **state)
{
	static const size_t steps[] = {1, 7, 4095, 65535, 65536, 65537, 200000};
	static unsigned char all[400000];
	static struct replay r;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++) {
		all[i] = (unsigned char)(i * 7 + i / 251);
	}
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		replay_init(&r);
		for (size_t at = 0; at < sizeof(all); at += steps[s]) {
			size_t n = sizeof(all) - at < steps[s] ? sizeof(all) - at : steps[s];
			size_t end = at + n, held = end < REPLAY_BYTES ? end : REPLAY_BYTES;
			struct replay_pieces p;

			replay_add(&r, all + at, n);
			if (steps[s] == 1 && at % 997 != 0) {
				continue;
			}
			p = replay_get(&r);
			assert_int_equal(p.len[0] + p.len[1], held);
			assert_memory_equal(p.bytes[0], all + end - held, p.len[0]);
			assert_memory_equal(p.bytes[1], all + end - p.len[1], p.len[1]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
