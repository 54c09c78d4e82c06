#include "grant.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

#define PROJECT "0d5f3c1e-7a4b-4c1d-9e2f-112233445566"
#define USER	"c0ffee00-aaaa-4bbb-8ccc-dddddddddddd"
#define NOW_S	1700000000

static const unsigned char key[GRANT_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const unsigned char other_key[GRANT_KEY_BYTES] = "0123456789abcdef0123456789abcdf";

static void seal(char text[GRANT_TEXT_BYTES])
{
	const struct grant g = {.level = GRANT_OWNER,
				.project_id = PROJECT,
				.subject = USER,
				.expires_s = NOW_S + 10};
	struct err e;

	assert_int_equal(grant_seal(key, &g, text, &e), 0);
	assert_int_equal(strlen(text), GRANT_TEXT_BYTES - 1);
}

static int open_text(const unsigned char *with, const char *text, int64_t now_s)
{
	struct grant g;
	struct err e;
	int rc = grant_open(with, text, strlen(text), now_s, &g, &e);

	assert_true(rc == 0 || e.kind == ERR_UNAUTHENTICATED);
	return rc;
}

static void what_is_sealed_opens(void **state)
{
	char text[GRANT_TEXT_BYTES];
	struct grant g;
	struct err e;

	(void)state;
	seal(text);
	assert_int_equal(grant_open(key, text, strlen(text), NOW_S, &g, &e), 0);
	assert_int_equal(g.level, GRANT_OWNER);
	assert_string_equal(g.project_id, PROJECT);
	assert_string_equal(g.subject, USER);
	assert_int_equal(g.expires_s, NOW_S + 10);
}

static void it_ends_in_time_and_with_the_key(void **state)
{
	char text[GRANT_TEXT_BYTES];

	(void)state;
	seal(text);
	assert_int_equal(open_text(key, text, NOW_S + 9), 0);
	assert_int_equal(open_text(key, text, NOW_S + 10), -1);
	assert_int_equal(open_text(other_key, text, NOW_S), -1);
}

static void no_other_text_opens(void **state)
{
	char text[GRANT_TEXT_BYTES], changed[GRANT_TEXT_BYTES + 1];

	(void)state;
	seal(text);
	for (size_t i = 0; i < strlen(text); i++) {
		memcpy(changed, text, sizeof(text));
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_int_equal(open_text(key, changed, NOW_S), -1);
		memcpy(changed, text, sizeof(text));
		changed[i] = '\0'; /* cut short */
		assert_int_equal(open_text(key, changed, NOW_S), -1);
	}
	(void)snprintf(changed, sizeof(changed), "%sA", text);
	assert_int_equal(open_text(key, changed, NOW_S), -1);
	assert_int_equal(open_text(key, "", NOW_S), -1);
}

static void share_tokens_lead_back(void **state)
{
	char token[SHARE_TOKEN_BYTES], id[UUID_TEXT_BYTES], grant[GRANT_TEXT_BYTES];
	struct err e;

	(void)state;
	assert_int_equal(grant_share_token(key, USER, token, &e), 0);
	assert_int_equal(strlen(token), SHARE_TOKEN_BYTES - 1);
	assert_int_equal(grant_share_id(key, token, id, &e), 0);
	assert_string_equal(id, USER);
	assert_int_equal(grant_share_id(other_key, token, id, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	for (size_t i = 0; i < strlen(token); i++) {
		char was = token[i];

		token[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(grant_share_id(key, token, id, &e), -1);
		token[i] = was;
	}
	seal(grant);
	assert_int_equal(grant_share_id(key, grant, id, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens),
		cmocka_unit_test(it_ends_in_time_and_with_the_key),
		cmocka_unit_test(no_other_text_opens),
		cmocka_unit_test(share_tokens_lead_back),
	};
	struct err e;

	if (token_global_init(&e) < 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
