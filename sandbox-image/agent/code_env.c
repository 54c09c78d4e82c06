#include "code_env.h"

#include "cleanup.h"

#include <string.h>

struct variable {
	const char *name, *value;
};

/* NULL: the registry. pnpm 10 and yarn 1 read npm's. */
static const struct variable registry_env[] = {
	{"npm_config_registry", NULL},
	/* Lockfiles name the registry they were made with. */
	{"npm_config_replace_registry_host", "always"},
	{"pnpm_config_registry", NULL},
	{"YARN_NPM_REGISTRY_SERVER", NULL},
	/* The cache is near: what fails there is said within seconds, not two minutes. */
	{"npm_config_fetch_retry_mintimeout", "1000"},
	{"npm_config_fetch_retry_maxtimeout", "5000"},
};

/* Nobody is there to answer questions, and nothing outside to report to. */
static const struct variable quiet_env[] = {
	{"npm_config_audit", "false"},
	{"npm_config_fund", "false"},
	{"npm_config_update_notifier", "false"},
	{"npm_config_yes", "true"},
	/* The package cache is near; npm would wait for minutes until it says what is wrong. */
	{"npm_config_fetch_retry_mintimeout", "500"},
	{"npm_config_fetch_retry_maxtimeout", "3000"},
	/* A lockfile made here is good elsewhere: without the package cache's address. */
	{"npm_config_omit_lockfile_registry_resolved", "true"},
	/* The version of the image; another one is not to be fetched. */
	{"SKIP_YARN_COREPACK_CHECK", "1"},
	{"YARN_NODE_LINKER", "node-modules"},
	{"YARN_ENABLE_TELEMETRY", "0"},
	{"DO_NOT_TRACK", "1"},
	{"NEXT_TELEMETRY_DISABLED", "1"},
	{"NUXT_TELEMETRY_DISABLED", "1"},
	{"ASTRO_TELEMETRY_DISABLED", "1"},
	{"GATSBY_TELEMETRY_DISABLED", "1"},
	{"STORYBOOK_DISABLE_TELEMETRY", "1"},
	{"NG_CLI_ANALYTICS", "false"},
};

static const struct variable app_env[] = {
	{"PORT", "3000"},
	{"HOST", "127.0.0.1"},
	{"BROWSER", "none"},
	/* webpack-dev-server's client then uses the page's port, which is the preview's. */
	{"WDS_SOCKET_PORT", "0"},
};

static int set(json_t *env, const char *name, const char *value)
{
	return json_object_set_new(env, name, json_string(value));
}

static int set_all(json_t *env, const struct variable *list, size_t n, const char *registry)
{
	for (size_t i = 0; i < n; i++) {
		if (set(env, list[i].name, list[i].value ? list[i].value : registry) < 0) {
			return -1;
		}
	}
	return 0;
}

/* yarn 4 asks plain HTTP only of hosts on this list. */
static int set_yarn_whitelist(json_t *env, const char *registry)
{
	const char *host = strstr(registry, "://");
	char text[256];

	host = host ? host + 3 : registry;
	(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(host, ":/"), host);
	return set(env, "YARN_UNSAFE_HTTP_WHITELIST", text);
}

static int fill(json_t *env, const struct settings *s)
{
	if (set(env, "PATH", "/usr/local/bin:/usr/bin:/bin") < 0 || set(env, "HOME", s->home) < 0 ||
	    set(env, "LANG", "C.UTF-8") < 0) {
		return -1;
	}
	if (s->registry[0] == '\0') {
		return 0;
	}
	if (set_all(env, registry_env, ARRAY_LEN(registry_env), s->registry) < 0 ||
	    set_yarn_whitelist(env, s->registry) < 0) {
		return -1;
	}
	return set_all(env, quiet_env, ARRAY_LEN(quiet_env), NULL);
}

json_t *code_env_make(const struct settings *s)
{
	json_t *env = json_object();

	if (env && fill(env, s) < 0) {
		json_decref(env);
		return NULL;
	}
	return env;
}

int code_env_add_app(json_t *env)
{
	if (set_all(env, quiet_env, ARRAY_LEN(quiet_env), NULL) < 0) {
		return -1;
	}
	return set_all(env, app_env, ARRAY_LEN(app_env), NULL);
}
