/* Addresses of previews, and what comes to them from untrusted hands: hosts, paths, forms, times.
 */

#include "cleanup.h"
#include "config.h"
#include "exchange_fake.h"
#include "previews/form.h"
#include "previews/handlers.h"
#include "previews/page.h"
#include "previews/preview_url.h"
#include "previews/share_body.h"
#include "previews/visitor.h"
#include "previews/way_in.h"

static struct config *config_with(const char *public_url, const char *port, const char *domain)
{
	struct config *c = NULL;
	struct err e;

	setenv("SLIPWAY_PUBLIC_URL", public_url, 1);
	setenv("SLIPWAY_PORT", port, 1);
	setenv("SLIPWAY_PREVIEW_DOMAIN", domain, 1);
	assert_ok(config_load(NULL, &c, &e));
	return c;
}

static void previews_are_where_the_editor_is(void **state)
{
	static const struct {
		const char *public_url, *port, *before, *after;
	} cases[] = {
		{"", "8080", "http://", ".p.test:8080"},
		{"", "80", "http://", ".p.test"},
		{"http://build.example.com", "8080", "http://", ".p.test"},
		{"http://build.example.com:80/", "8080", "http://", ".p.test"},
		{"https://build.example.com", "8443", "https://", ".p.test"},
		{"https://build.example.com:443", "8443", "https://", ".p.test"},
		{"https://build.example.com:8443", "1", "https://", ".p.test:8443"},
		{"https://[::1]:8443", "1", "https://", ".p.test:8443"},
		{"https://[::1]", "1", "https://", ".p.test"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config *c = config_with(cases[i].public_url, cases[i].port, "p.test");
		struct preview_base base;

		preview_base_of(c, &base);
		assert_string_equal(base.before, cases[i].before);
		assert_string_equal(base.after, cases[i].after);
		config_destroy(c);
	}
}

static void hosts_name_one_preview(void **state)
{
	static const char *const good[][2] = {
		{"app-1.p.test", "app-1"},
		{"app-1.p.test:8080", "app-1"},
		{"APP-1.P.TEST", "app-1"},
		{"3001--app-1.p.test", "app-1"},
		{"65535--app.p.test:80", "app"},
		{"3001-app.p.test", "3001-app"},
		{"1--1.p.test", "1"},
		{"app.p.test:", "app"},
	};
	static const char *const bad[] = {
		"",
		"p.test",
		"app",
		".p.test",
		"app.p.test.",
		"app.p.test.evil.example",
		"app.evil.example",
		"x.app.p.test",
		"-app.p.test",
		"app-.p.test",
		"0--app.p.test",
		"65536--app.p.test",
		"99999999--a.p.test",
		"3001--.p.test",
		"app.p.test:80x",
		"app.p.test:80:80",
		"a_b.p.test",
		"\xc3\xa4.p.test",
		"app p.test",
		"app.p.test@evil",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaa.p.test",
	};
	struct config *c = config_with("", "8080", "p.test");
	struct preview_label label;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(preview_host_parse(c, good[i][0], &label));
		assert_string_equal(label.slug, good[i][1]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (preview_host_parse(c, bad[i], &label)) {
			fail_msg("%s was taken for %s", bad[i], label.text);
		}
	}
	config_destroy(c);
}

static void paths_stay_on_their_host(void **state)
{
	static const char *const good[] = {"/",		"/a/b?c=d#e", "/a//b",
					   "/\xc3\xbc", "/?//x",      "/:80"};
	static const char *const bad[] = {
		"",	 "a",	  "//evil.example", "/\\evil.example", "\\\\evil",
		"/a\\b", "/\tx",  "/a\r\nb",	    "http://evil",     "javascript:x",
		" /",	 "/\x7f", "/\xff",	    "/\t/evil",	       "/\n/evil",
	};
	char longest[PREVIEW_PATH_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(preview_path_ok(good[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (preview_path_ok(bad[i])) {
			fail_msg("\"%s\" was taken for a path", bad[i]);
		}
	}
	memset(longest, '/', sizeof(longest));
	memset(longest + 1, 'a', sizeof(longest) - 2);
	longest[PREVIEW_PATH_MAX + 1] = '\0';
	assert_false(preview_path_ok(longest));
	longest[PREVIEW_PATH_MAX] = '\0';
	assert_true(preview_path_ok(longest));
}

static void redirects_hold_what_a_header_may(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_init(&f, NULL, NULL);
	assert_ok(way_in_redirect(&f.rs, "", "/a b\xc3\xbc?q=\"<%20>#x", &e));
	assert_non_null(strstr(f.out.data, "Status: 303 See Other\r\n"));
	assert_non_null(strstr(f.out.data, "Location: /a%20b%C3%BC?q=%22%3C%20%3E#x\r\n"));
	fake_fini(&f);
}

static void fields_of_a_form(void **state)
{
	static const struct {
		const char *body;
		int rc;
		const char *value;
	} cases[] = {
		{"password=secret", 1, "secret"},
		{"a=b&password=p%26+w%3D", 1, "p& w="},
		{"password=", 1, ""},
		{"password=one&password=two", 1, "one"},
		{"xpassword=a", 0, NULL},
		{"password", 0, NULL},
		{"", 0, NULL},
		{"&&&", 0, NULL},
		{"password=%", -1, NULL},
		{"password=%0a", -1, NULL},
		{"password=%00", -1, NULL},
		{"password=%ff", -1, NULL},
		{"password=12345678901", -1, NULL},
		{"password=%C3%BC", 1, "\xc3\xbc"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char buf[11] = "";
		struct err e;

		assert_int_equal(form_field(cases[i].body, strlen(cases[i].body), "password", buf,
					    sizeof(buf), &e),
				 cases[i].rc);
		if (cases[i].value) {
			assert_string_equal(buf, cases[i].value);
		}
	}
}

static void times_of_rfc_3339(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-24T01:02:03.5+01:00", 1795478523},
		{"2026-11-24t00:02:03.123456789z", 1795478523},
		{"2024-02-29T00:00:00Z", 1709164800},
	};
	static const char *const bad[] = {
		"",
		"tomorrow",
		"infinity",
		"2026-11-24",
		"2026-11-24T00:00:00",
		"2026-02-30T00:00:00Z",
		"2025-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-11-24T24:00:00Z",
		"2026-11-24T00:60:00Z",
		"2026-11-24T00:00:00.Z",
		"2026-11-24T00:00:00+1:00",
		"2026-11-24T00:00:00+24:00",
		"2026-11-24T00:00:00Zx",
		"2026-1-24T00:00:00Z",
		"+026-11-24T00:00:00Z",
		"0000-11-24T00:00:00Z",
	};
	struct err e;
	int64_t s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_ok(rfc3339_parse(good[i].text, &s, &e));
		assert_int_equal(s, good[i].s);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (rfc3339_parse(bad[i], &s, &e) == 0) {
			fail_msg("%s was taken for a time", bad[i]);
		}
	}
}

static void visitors_that_are_nobody(void **state)
{
	static const struct {
		const char *header, *value;
		enum visitor want;
	} cases[] = {
		{"HTTP_USER_AGENT", "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36",
		 VISITOR_PERSON},
		{"HTTP_USER_AGENT", "curl/8.5.0", VISITOR_PERSON},
		{"HTTP_USER_AGENT", "Mozilla/5.0 (Linux; Android 9; CUBOT X19)", VISITOR_PERSON},
		{"HTTP_USER_AGENT", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
		 VISITOR_BOT},
		{"HTTP_USER_AGENT", "WhatsApp/2.23.20.0", VISITOR_BOT},
		{"HTTP_USER_AGENT", "facebookexternalhit/1.1", VISITOR_BOT},
		{"HTTP_SEC_PURPOSE", "prefetch;prerender", VISITOR_PREFETCH},
		{"HTTP_PURPOSE", "prefetch", VISITOR_PREFETCH},
		{"HTTP_X_MOZ", "prefetch", VISITOR_PREFETCH},
		{"HTTP_SEC_PURPOSE", "", VISITOR_PERSON},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake f;

		fake_init(&f, NULL, NULL);
		fake_header(&f, cases[i].header, cases[i].value);
		assert_int_equal(visitor_of(&f.rq), cases[i].want);
		fake_fini(&f);
	}
}

static void pages_escape_what_they_show(void **state)
{
	struct config *c = config_with("https://build.example.com/", "8080", "p.test");
	struct app app = {.config = c, .release_dir = "."};
	const struct page_text p = {
		.status = 401,
		.title = "<b>\"&",
		.message = "m",
		.form_action = "/.slipway/share/\"><script>",
		.asks_password = true,
		.problem = "<i>",
	};
	struct fake f;
	struct err e;

	(void)state;
	fake_init(&f, NULL, NULL);
	assert_ok(page_respond_html(&app, &f.rs, &p, &e));
	assert_non_null(strstr(f.out.data, "Status: 401 "));
	assert_non_null(strstr(f.out.data, "<h1>&lt;b&gt;&quot;&amp;</h1>"));
	assert_non_null(strstr(f.out.data, "action=\"/.slipway/share/&quot;&gt;&lt;script&gt;\""));
	assert_non_null(strstr(f.out.data, "&lt;i&gt;"));
	assert_null(strstr(f.out.data, "{{"));
	assert_non_null(strstr(f.out.data, "default-src 'none'; style-src 'sha256-"));
	assert_non_null(strstr(f.out.data, "frame-ancestors https://build.example.com\r\n"));
	fake_fini(&f);
	config_destroy(c);
}

/* What the edge relies on: it looks for no sign-in where these are served. */
static void routes_of_previews_want_no_sign_in(void **state)
{
	(void)state;
	assert_true(preview_route_table_len > 0);
	for (size_t i = 0; i < preview_route_table_len; i++) {
		const struct route *r = &preview_route_table[i];

		assert_int_equal(r->auth, AUTH_NONE);
		assert_int_equal(r->pool, POOL_SHORT);
		assert_int_equal(strncmp(r->pattern, "/.slipway/", 10), 0);
	}
	for (size_t i = 0; i < route_table_len; i++) {
		assert_null(strstr(route_table[i].pattern, ".slipway"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(previews_are_where_the_editor_is),
		cmocka_unit_test(hosts_name_one_preview),
		cmocka_unit_test(paths_stay_on_their_host),
		cmocka_unit_test(redirects_hold_what_a_header_may),
		cmocka_unit_test(fields_of_a_form),
		cmocka_unit_test(times_of_rfc_3339),
		cmocka_unit_test(visitors_that_are_nobody),
		cmocka_unit_test(pages_escape_what_they_show),
		cmocka_unit_test(routes_of_previews_want_no_sign_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
