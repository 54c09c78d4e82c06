/* --check: values that must fit each other. */

#include "check.h"
#include "cleanup.h"
#include "config.h"
#include "unit.h"

/* 0 or -1; warnings into buf. */
static int check(const char *key, const char *value, char *buf, size_t cap, struct err *ret_e)
{
	auto_free char *text = NULL;
	struct err e = {0};
	struct config *config;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc;

	setenv(key, value, 1);
	assert_ok(config_load(NULL, &config, &e));
	rc = check_config(config, out, &e);
	*ret_e = e;
	fclose(out);
	config_destroy(config);
	(void)snprintf(buf, cap, "%s", text);
	return rc;
}

static int reset(void **state)
{
	(void)state;
	for (int i = 0; i < CFG_COUNT; i++) {
		unsetenv(config_table[i].name);
	}
	return 0;
}

static void takes_the_defaults(void **state)
{
	char warnings[1000];
	struct err e;

	(void)state;
	assert_ok(check("SLIPWAY_PORT", "8080", warnings, sizeof(warnings), &e));
	assert_string_equal(warnings, "");
}

static void refuses_what_cannot_work(void **state)
{
	static const char *const bad[][2] = {
		{"SLIPWAY_PUBLIC_URL", "build.example.com"},
		{"SLIPWAY_PUBLIC_URL", "https://"},
		{"SLIPWAY_PUBLIC_URL", "https://a@b.example.com"},
		{"SLIPWAY_PUBLIC_URL", "https://build.example.com/editor"},
		{"SLIPWAY_PUBLIC_URL", "ftp://build.example.com"},
		{"SLIPWAY_PREVIEW_DOMAIN", "*.example.com"},
		{"SLIPWAY_PREVIEW_DOMAIN", ".example.com"},
		{"SLIPWAY_TLS_CERT", "/etc/cert.pem"},
		{"SLIPWAY_LOG_LEVEL", "loud!"},
		{"SLIPWAY_RUN_DIR", "run"},
		{"OPENAI_BASE_URL", "api.example.com/v1"},
	};
	char warnings[1000];
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		reset(state);
		assert_err(check(bad[i][0], bad[i][1], warnings, sizeof(warnings), &e),
			   ERR_INVALID);
		assert_non_null(strstr(e.text, bad[i][0]));
	}
}

static void warns_of_what_is_unwise(void **state)
{
	char warnings[1000];
	struct err e;

	(void)state;
	assert_ok(check("SLIPWAY_PREVIEW_DOMAIN", "previews.example.net", warnings,
			sizeof(warnings), &e));
	assert_ok(check("SLIPWAY_PUBLIC_URL", "https://build.example.com:8443/", warnings,
			sizeof(warnings), &e));
	assert_string_equal(warnings, "");
	assert_ok(check("SLIPWAY_PREVIEW_DOMAIN", "Preview.Example.com", warnings, sizeof(warnings),
			&e));
	assert_non_null(strstr(warnings, "share a domain"));
	assert_ok(check("SLIPWAY_PUBLIC_URL", "http://build.example.org", warnings,
			sizeof(warnings), &e));
	assert_non_null(strstr(warnings, "plain http"));
	assert_null(strstr(warnings, "share a domain"));
	assert_ok(check("SLIPWAY_PUBLIC_URL", "http://localhost:9000", warnings, sizeof(warnings),
			&e));
	assert_string_equal(warnings, "");
	unsetenv("SLIPWAY_PUBLIC_URL");
	assert_ok(check("SLIPWAY_BIND", "0.0.0.0", warnings, sizeof(warnings), &e));
	assert_non_null(strstr(warnings, "SLIPWAY_BIND"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(takes_the_defaults, reset),
		cmocka_unit_test_setup(refuses_what_cannot_work, reset),
		cmocka_unit_test_setup(warns_of_what_is_unwise, reset),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
