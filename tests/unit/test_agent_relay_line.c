/* The first line of who comes to the relay. */

#include "relay_line.h"
#include "relay_secrets.h"
#include "unit.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_parsed_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
