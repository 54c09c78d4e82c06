#include "http/limits.h"

#include "clock.h"

/* A character of code may take three of JSON ("\u00e9" for two bytes of UTF-8). */
#define JSON_GROWTH	    3
#define RUN_EXTRA_BYTES	    (3 * 1024 * 1024 + 64 * 1024) /* stdin and the rest */
#define SANDBOX_START_MS    30000			  /* a cold one, its image present */
#define GENERATION_EXTRA_MS 30000			  /* storing and writing the files */
/* Large files hold the workers that sign-ins need: one user must not hold all of them. */
#define UPLOAD_LARGE_BYTES (1024 * 1024)
#define USER_UPLOADS_MAX   1
/* The same of calls that a hostile agent can make last a moment. */
#define USER_AGENT_CALLS_MAX 2
/* And of those that read megabytes. */
#define USER_SEARCHES_MAX  2
#define USER_DOWNLOADS_MAX 2

size_t route_body_max(const struct config *config, const struct route *route)
{
	if (route->rate == RATE_RUN) {
		return (size_t)config_int(config, CFG_CODE_MAX_BYTES) * JSON_GROWTH +
		       RUN_EXTRA_BYTES;
	}
	return route->body_max_bytes;
}

/* A run may first wait for all that the sandbox's queue takes. */
static int64_t runs_ms(const struct config *config)
{
	return SANDBOX_START_MS +
	       (config_int(config, CFG_RUN_QUEUE) + 1) * config_int(config, CFG_RUN_TIMEOUT_MS);
}

/* What a generation made may then be installed and started. */
static int64_t app_ms(const struct config *config)
{
	return (config_int(config, CFG_INSTALL_TIMEOUT_S) +
		config_int(config, CFG_APP_START_TIMEOUT_S)) *
	       1000;
}

int64_t route_deadline_ms(const struct config *config, const struct route *route)
{
	switch (route->rate) {
	case RATE_RUN:
		return route->deadline_ms + runs_ms(config);
	case RATE_GENERATION:
		return route->deadline_ms + config_int(config, CFG_MODEL_TOTAL_TIMEOUT_MS) +
		       GENERATION_EXTRA_MS + runs_ms(config) + app_ms(config);
	case RATE_UPLOAD:
	case RATE_DOWNLOAD:
	case RATE_SEARCH:
	case RATE_AGENT:
	case RATE_NONE:
		break;
	}
	return route->deadline_ms;
}

bool rate_class_counts(enum rate_class rate, int64_t announced_bytes)
{
	if (rate == RATE_UPLOAD) {
		return announced_bytes > UPLOAD_LARGE_BYTES;
	}
	return rate != RATE_NONE;
}

int64_t rate_class_max(const struct config *config, enum rate_class rate)
{
	switch (rate) {
	case RATE_RUN:
		return config_int(config, CFG_USER_RUNS_MAX);
	case RATE_GENERATION:
		return config_int(config, CFG_USER_GENERATIONS_MAX);
	case RATE_UPLOAD:
		return USER_UPLOADS_MAX;
	case RATE_DOWNLOAD:
		return USER_DOWNLOADS_MAX;
	case RATE_SEARCH:
		return USER_SEARCHES_MAX;
	case RATE_AGENT:
		return USER_AGENT_CALLS_MAX;
	case RATE_NONE:
		break;
	}
	return CLOCK_NEVER;
}
