#pragma once

/*
 * Configuration: KEY=value lines of one file (systemd's EnvironmentFile form), overridden by the
 * environment. One table (config_table.c) gives each key's type, unit, default, range and words;
 * `--check` and docs/CONFIG.md come from it.
 */

#include "err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum config_id {
	/* this installation */
	CFG_INSTANCE,
	CFG_STATE_DIR,
	CFG_RUN_DIR,
	CFG_LOG_LEVEL,
	/* the way in */
	CFG_BIND,
	CFG_PORT,
	CFG_PUBLIC_URL,
	CFG_PREVIEW_DOMAIN,
	CFG_TLS_CERT,
	CFG_TLS_KEY,
	/* state */
	CFG_DATABASE_URL,
	/* workers */
	CFG_POOL_SHORT,
	CFG_POOL_RUN,
	CFG_POOL_STREAM,
	CFG_POOL_WATCH,
	CFG_USER_RUNS_MAX,
	CFG_USER_GENERATIONS_MAX,
	CFG_SESSION_DAYS,
	/* sandboxes */
	CFG_DOCKER_SOCKET,
	CFG_RUNTIME,
	CFG_BASE_IMAGE,
	CFG_SANDBOX_IMAGE,
	CFG_NODE_VERSION,
	CFG_UID_BASE,
	CFG_UID_COUNT,
	CFG_SANDBOXES_MAX,
	CFG_USER_SANDBOXES_MAX,
	CFG_DISK_BUDGET_MB,
	CFG_IDLE_STOP_S,
	CFG_STOP_SANDBOXES,
	CFG_SCRIPT_MEMORY_MB,
	CFG_SCRIPT_CPU_MILLI,
	CFG_SCRIPT_PIDS,
	CFG_SCRIPT_DISK_MB,
	CFG_APP_MEMORY_MB,
	CFG_APP_CPU_MILLI,
	CFG_APP_PIDS,
	CFG_APP_DISK_MB,
	CFG_APP_SUBNET,
	CFG_APP_START_TIMEOUT_S,
	CFG_INSTALL_TIMEOUT_S,
	CFG_PORT_BASE,
	CFG_PORT_COUNT,
	CFG_CACHE_PORT,
	CFG_CACHE_MB,
	CFG_NPM_REGISTRY,
	CFG_TREES_MB,
	CFG_ROUTER_LISTEN,
	CFG_ROUTER_APP_CONNS,
	CFG_ROUTER_HOLD_MS,
	CFG_ROUTER_IDLE_S,
	CFG_ROUTER_TOTAL_S,
	/* runs */
	CFG_RUN_TIMEOUT_MS,
	CFG_RUN_OUTPUT_MAX_BYTES,
	CFG_RUN_QUEUE,
	CFG_CODE_MAX_BYTES,
	/* the model */
	CFG_MODEL,
	CFG_OPENAI_API_KEY,
	CFG_OPENAI_BASE_URL,
	CFG_MODEL_IDLE_TIMEOUT_MS,
	CFG_MODEL_TOTAL_TIMEOUT_MS,
	CFG_MODEL_REPLY_MAX_BYTES,
	CFG_COUNT
};

enum config_type {
	CONFIG_STRING,
	CONFIG_INT,
	CONFIG_BOOL, /* 0 or 1 */
};

struct config_key {
	const char *name; /* environment variable */
	const char *section;
	enum config_type type;
	const char *unit; /* "" when it has none */
	const char *def;  /* default, as text */
	int64_t min, max; /* integers: range; strings: length */
	bool secret;	  /* never printed */
	const char *doc;
};

extern const struct config_key config_table[CFG_COUNT];

struct config;

/* `path` may be NULL: environment and defaults only. An unknown SLIPWAY_ key in the file, a line
 * that is not KEY=value and a value out of range are ERR_INVALID naming file, line and key. */
NODISCARD int config_load(const char *path, struct config **ret_config, struct err *e);
void config_destroy(struct config *c);

const char *config_str(const struct config *c, enum config_id id); /* "" when unset */
int64_t config_int(const struct config *c, enum config_id id);
bool config_bool(const struct config *c, enum config_id id);

/* docs/CONFIG.md on `out`. */
void config_write_markdown(FILE *out);
/* KEY=value of everything in force, secrets as "(set)". */
void config_write_effective(const struct config *c, FILE *out);
