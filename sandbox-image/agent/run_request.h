#pragma once

/* The JSON of POST /v1/runs, checked: what the rest of the agent sees of a run. */

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 1 MiB of code and 1 MiB of stdin with every byte escaped, and the rest. */
#define RUN_BODY_MAX_BYTES   (13 * 1024 * 1024)
#define RUN_FILE_MAX_BYTES   (10 * 1024 * 1024)
#define RUN_ID_MAX_BYTES     64
#define RUN_ARGS_MAX	     256
#define RUN_ENV_MAX	     256
#define RUN_WRITES_MAX	     1000
#define RUN_TIMEOUT_MAX_MS   (24 * 60 * 60 * 1000)
#define RUN_NO_TIMEOUT	     0 /* not for strangers: the parser wants 1 or more */
#define RUN_OUTPUT_MAX_BYTES (1024 * 1024 * 1024)

struct run_write {
	const char *path; /* passed path_check */
	const char *content;
	size_t content_len;
};

/* Strings are borrowed from `body`. */
struct run_request {
	json_t *body;
	const char *id;	 /* [A-Za-z0-9_-]{1,64} */
	char **argv;	 /* NULL-terminated, at least one */
	const char *cwd; /* relative to the workspace, "" for itself */
	char **envp;	 /* NULL-terminated: base_env and the run's own */
	struct run_write *writes;
	size_t n_writes;
	const char *stdin_text;
	size_t stdin_len;
	int64_t timeout_ms;
	int64_t output_max_bytes; /* of each of stdout and stderr */
	bool probe_listen;
};

/* ERR_INVALID naming the field, or ERR_TOO_LARGE. `*ret` wants run_request_destroy. The run's
 * variables override those of `base_env` (code_env.h), which is copied. */
NODISCARD int run_request_parse(const char *text, size_t len, json_t *base_env,
				struct run_request **ret, struct err *e);

/* One of the agent's own, without time limit, in the workspace; `argv` ends with NULL. */
NODISCARD int run_request_make(const char *const *argv, json_t *env, struct run_request **ret,
			       struct err *e);
void run_request_destroy(struct run_request *rq);
