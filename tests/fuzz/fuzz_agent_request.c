/* What a client sends the agent: heads, targets, and the JSON of a run. What is accepted keeps its
 * promises: paths pass path_check, variables have a name, numbers are in range. */

#include "http_head.h"
#include "path.h"
#include "route.h"
#include "run_request.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_run(const char *in, size_t len)
{
	struct run_request *rq;
	struct err e;

	if (run_request_parse(in, len, NULL, &rq, &e) < 0) {
		return;
	}
	must(rq->id[0] != '\0' && strlen(rq->id) <= RUN_ID_MAX_BYTES && !strchr(rq->id, '/'));
	must(rq->argv[0] && rq->argv[0][0] != '\0');
	must(rq->timeout_ms > 0 && rq->output_max_bytes >= 0);
	must(rq->stdin_len == strlen(rq->stdin_text));
	must(rq->cwd[0] == '\0' || path_check(rq->cwd, strlen(rq->cwd), &e) == 0);
	for (size_t i = 0; rq->envp[i]; i++) {
		must(strchr(rq->envp[i], '=') > rq->envp[i]);
	}
	for (size_t i = 0; i < rq->n_writes; i++) {
		const struct run_write *w = &rq->writes[i];

		must(path_check(w->path, strlen(w->path), &e) == 0);
		must(w->content_len == strlen(w->content));
	}
	run_request_destroy(rq);
}

static void check_head(const char *in, size_t len)
{
	char path[CONN_TARGET_MAX_BYTES], query[CONN_TARGET_MAX_BYTES];
	struct http_head h;
	const char *rest;
	mode_t mode = 0644;
	struct err e;
	size_t used;

	if (http_head_parse_request(in, len, &h, &used, &e) != 1 ||
	    target_split(h.target.at, h.target.len, path, query, sizeof(path), &e) < 0) {
		return;
	}
	must(path[0] == '/' && strlen(path) + strlen(query) < sizeof(path));
	if (route_find(h.method, path, &rest, &e)) {
		must(strlen(rest) < sizeof(path));
	}
	if (target_mode(query, &mode, &e) == 0) {
		must((mode & ~(mode_t)0777) == 0);
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	check_run((const char *)bytes, len);
	check_head((const char *)bytes, len);
	return 0;
}
