/* access: who may see a preview, by the cookies a request carries. */

#include "access.h"
#include "cleanup.h"
#include "preview-router/app.h"
#include "unit.h"

#define PROJECT "0d5f3c1e-7a4b-4c1d-9e2f-112233445566"
#define OTHER	"1d5f3c1e-7a4b-4c1d-9e2f-112233445566"
#define OWNER	"c0ffee00-aaaa-4bbb-8ccc-dddddddddddd"
#define SHARE	"5a5a5a5a-aaaa-4bbb-8ccc-dddddddddddd"
#define NOW_S	1700000000

static const unsigned char key[GRANT_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const unsigned char other_key[GRANT_KEY_BYTES] = "0123456789abcdef0123456789abcdf";
static struct app_share shares[1] = {{.id = SHARE, .expires_s = NOW_S + 100}};
static struct app app;
static struct access_cache cache;
static struct access_claim claim;
static char owner[GRANT_TEXT_BYTES], share[GRANT_TEXT_BYTES];

static void seal(const char *project, enum grant_level level, const char *subject,
		 char ret[GRANT_TEXT_BYTES])
{
	struct grant g = {.level = level, .expires_s = NOW_S + 1000};
	struct err e;

	(void)snprintf(g.project_id, sizeof(g.project_id), "%s", project);
	(void)snprintf(g.subject, sizeof(g.subject), "%s", subject);
	assert_ok(grant_seal(key, &g, ret, &e));
}

static int each(void **state)
{
	(void)state;
	app = (struct app){.project_id = PROJECT, .user_id = OWNER};
	app.shares = shares;
	app.n_shares = 1;
	shares[0].expires_s = NOW_S + 100;
	cache = (struct access_cache){.next = 0};
	seal(PROJECT, GRANT_OWNER, OWNER, owner);
	seal(PROJECT, GRANT_SHARE, SHARE, share);
	return 0;
}

static enum access check_at(const char *cookies, int64_t now_s)
{
	char text[8192];
	struct http_head head;
	struct err e;
	size_t used;

	(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", cookies);
	assert_int_equal(http_head_parse_request(text, strlen(text), &head, &used, &e), 1);
	return access_check(&app, &head, key, 1, now_s, &cache, &claim);
}

/* `format` has one %s for the grant. */
#define check_with(format, grant)                                                                  \
	({                                                                                         \
		char cookies_[4096];                                                               \
		(void)snprintf(cookies_, sizeof(cookies_), format, grant);                         \
		check_at(cookies_, NOW_S);                                                         \
	})
#define PLAIN "Cookie: " GRANT_COOKIE "=%s\r\n"

static void grants_open(void **state)
{
	(void)state;
	assert_int_equal(check_with("%s", ""), ACCESS_NONE);
	assert_int_equal(check_with(PLAIN, owner), ACCESS_OWNER);
	assert_int_equal(check_with(PLAIN, share), ACCESS_SHARE);
	/* and once more, from the cache */
	assert_int_equal(check_with(PLAIN, owner), ACCESS_OWNER);
	assert_int_equal(check_with(PLAIN, share), ACCESS_SHARE);
	app.is_public = true;
	assert_int_equal(check_with("%s", ""), ACCESS_PUBLIC);
	assert_int_equal(check_with(PLAIN, "nonsense"), ACCESS_PUBLIC);
	assert_int_equal(check_with(PLAIN, owner), ACCESS_OWNER);
}

static void wherever_the_cookie_is(void **state)
{
	(void)state;
	assert_int_equal(check_with("cookie: a=b;  " GRANT_COOKIE "=%s ; c=d\r\n", owner),
			 ACCESS_OWNER);
	assert_int_equal(check_with("Cookie: a=b\r\nCookie: " GRANT_COOKIE "=%s\r\n", owner),
			 ACCESS_OWNER);
	assert_int_equal(check_with("Cookie: ;;=; x; " GRANT_COOKIE "=%s;\r\n", owner),
			 ACCESS_OWNER);
	/* A page may have set others of the same name before. */
	assert_int_equal(check_with("Cookie: " GRANT_COOKIE "=x; " GRANT_COOKIE "=; " GRANT_COOKIE
				    "=%s\r\n",
				    owner),
			 ACCESS_OWNER);
}

static void nothing_else_opens(void **state)
{
	char text[GRANT_TEXT_BYTES];

	(void)state;
	assert_int_equal(check_with("Cookie: __host-slipway-preview=%s\r\n", owner), ACCESS_NONE);
	assert_int_equal(check_with("Cookie: x" GRANT_COOKIE "=%s\r\n", owner), ACCESS_NONE);
	assert_int_equal(check_with("Cookie: " GRANT_COOKIE "=\"%s\"\r\n", owner), ACCESS_NONE);
	assert_int_equal(check_with("Cookie: x=" GRANT_COOKIE "=%s\r\n", owner), ACCESS_NONE);
	assert_int_equal(check_with("X-Cookie: " GRANT_COOKIE "=%s\r\n", owner), ACCESS_NONE);
	seal(OTHER, GRANT_OWNER, OWNER, text);
	assert_int_equal(check_with(PLAIN, text), ACCESS_NONE);
	seal(PROJECT, GRANT_OWNER, OTHER, text);
	assert_int_equal(check_with(PLAIN, text), ACCESS_NONE);
	seal(PROJECT, GRANT_SHARE, OTHER, text);
	assert_int_equal(check_with(PLAIN, text), ACCESS_NONE);
	/* The owner's id is no share, and a share's id no owner. */
	seal(PROJECT, GRANT_SHARE, OWNER, text);
	assert_int_equal(check_with(PLAIN, text), ACCESS_NONE);
	seal(PROJECT, GRANT_OWNER, SHARE, text);
	assert_int_equal(check_with(PLAIN, text), ACCESS_NONE);
}

static void a_change_counts_at_once(void **state)
{
	struct access_claim shared, owned, none = {.level = 0};
	char cookies[512];

	(void)state;
	assert_int_equal(check_with(PLAIN, share), ACCESS_SHARE);
	shared = claim;
	assert_int_equal(check_with(PLAIN, owner), ACCESS_OWNER);
	owned = claim;
	assert_true(access_holds(&app, &shared, NOW_S) && access_holds(&app, &owned, NOW_S));
	assert_false(access_holds(&app, &none, NOW_S));
	/* expired */
	(void)snprintf(cookies, sizeof(cookies), PLAIN, owner);
	assert_int_equal(check_at(cookies, NOW_S + 999), ACCESS_OWNER);
	assert_int_equal(check_at(cookies, NOW_S + 1000), ACCESS_NONE);
	(void)snprintf(cookies, sizeof(cookies), PLAIN, share);
	assert_int_equal(check_at(cookies, NOW_S + 100), ACCESS_NONE);
	assert_false(access_holds(&app, &shared, NOW_S + 100));
	/* revoked */
	app.n_shares = 0;
	assert_false(access_holds(&app, &shared, NOW_S));
	assert_int_equal(check_with(PLAIN, share), ACCESS_NONE);
	/* given away */
	memcpy(app.user_id, OTHER, sizeof(app.user_id));
	assert_int_equal(check_with(PLAIN, owner), ACCESS_NONE);
	assert_false(access_holds(&app, &owned, NOW_S));
	app.is_public = true;
	assert_true(access_holds(&app, &owned, NOW_S) && access_holds(&app, &none, NOW_S));
}

static void another_key_forgets_what_was_seen(void **state)
{
	char text[1024];
	struct http_head head;
	struct err e;
	size_t used;

	(void)state;
	assert_int_equal(check_with(PLAIN, owner), ACCESS_OWNER);
	(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n" PLAIN "\r\n", owner);
	assert_int_equal(http_head_parse_request(text, strlen(text), &head, &used, &e), 1);
	assert_int_equal(access_check(&app, &head, other_key, 2, NOW_S, &cache, &claim),
			 ACCESS_NONE);
	assert_int_equal(access_check(&app, &head, NULL, 0, NOW_S, &cache, &claim), ACCESS_NONE);
	assert_int_equal(access_check(&app, &head, key, 3, NOW_S, &cache, &claim), ACCESS_OWNER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(grants_open, each),
		cmocka_unit_test_setup(wherever_the_cookie_is, each),
		cmocka_unit_test_setup(nothing_else_opens, each),
		cmocka_unit_test_setup(a_change_counts_at_once, each),
		cmocka_unit_test_setup(another_key_forgets_what_was_seen, each),
	};
	struct err e;

	if (token_global_init(&e) < 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
