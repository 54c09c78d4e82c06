/* host: which names are previews, and of what. */

#include "host.h"
#include "unit.h"

#define DOMAIN "preview.example.test"

static bool parse(const char *text, struct host *ret)
{
	return host_parse(text, strlen(text), DOMAIN, ret);
}

static void slugs_and_ports(void **state)
{
	static const struct {
		const char *text, *slug;
		uint16_t port;
	} rows[] = {
		{"shop-1a2b.preview.example.test", "shop-1a2b", 0},
		{"SHOP-1A2B.Preview.Example.TEST", "shop-1a2b", 0},
		{"shop.preview.example.test:8080", "shop", 0},
		{"shop.preview.example.test.", "shop", 0},
		{"shop.preview.example.test.:443", "shop", 0},
		{"3000--shop.preview.example.test", "shop", 3000},
		{"65535--a.preview.example.test:1", "a", 65535},
		{"1--a-b.preview.example.test", "a-b", 1},
		{"3000-shop.preview.example.test", "3000-shop", 0},
		{"7.preview.example.test", "7", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct host h;

		assert_true(parse(rows[i].text, &h));
		assert_string_equal(h.slug, rows[i].slug);
		assert_int_equal(h.slug_len, strlen(rows[i].slug));
		assert_int_equal(h.inner_port, rows[i].port);
	}
}

static void nothing_else(void **state)
{
	static const char *const texts[] = {
		"",
		".",
		":",
		":80",
		"preview.example.test",
		".preview.example.test",
		"a.b.preview.example.test",
		"a.preview.example.test.evil.test",
		"a.preview.example.testx",
		"a.xpreview.example.test",
		"apreview.example.test",
		"a.preview.example.test..",
		"a.preview.example.test:",
		"a.preview.example.test:80x",
		"a.preview.example.test:123456",
		"a.preview.example.test:80:80",
		"-a.preview.example.test",
		"a-.preview.example.test",
		"a_b.preview.example.test",
		"a b.preview.example.test",
		"a%2e.preview.example.test",
		"user@a.preview.example.test",
		"\xC3\xA4.preview.example.test",
		"3000--.preview.example.test",
		"--a.preview.example.test",
		"3000--3001--.preview.example.test",
		"3000---a.preview.example.test",
		"[::1]",
		"127.0.0.1:8080",
	};
	char longest[400];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct host h;

		if (parse(texts[i], &h)) {
			fail_msg("%s is taken for %s", texts[i], h.slug);
		}
	}
	for (size_t n = 63; n < 300; n++) {
		struct host h;

		memset(longest, 'a', n);
		(void)snprintf(longest + n, sizeof(longest) - n, "." DOMAIN);
		assert_int_equal(parse(longest, &h), n == 63);
	}
}

/* A slug never begins with a number and two hyphens, so these lead to no app and no port. */
static void ports_that_are_none_are_part_of_the_name(void **state)
{
	struct host h;

	(void)state;
	assert_true(parse("65536--a.preview.example.test", &h));
	assert_string_equal(h.slug, "65536--a");
	assert_int_equal(h.inner_port, 0);
	assert_true(parse("0--a.preview.example.test", &h));
	assert_string_equal(h.slug, "0--a");
	assert_true(parse("080--a.preview.example.test", &h));
	assert_string_equal(h.slug, "080--a");
	assert_true(parse("123456--a.preview.example.test", &h));
	assert_string_equal(h.slug, "123456--a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slugs_and_ports),
		cmocka_unit_test(nothing_else),
		cmocka_unit_test(ports_that_are_none_are_part_of_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
