#include "route.h"

#include "app_calls.h"
#include "app_logs.h"
#include "files.h"
#include "run_request.h"
#include "runs.h"
#include "tar_calls.h"
#include "tar_read.h"
#include "terminal.h"
#include "workspace.h"

#include <string.h>

static const struct route routes[] = {
	{"GET", "/v1/health", 0, NULL, NULL, runs_on_health, NULL, NULL},
	{"POST", "/v1/runs", RUN_BODY_MAX_BYTES, runs_on_begin, runs_on_body, runs_on_end,
	 runs_on_writable, runs_on_gone},
	{"DELETE", "/v1/runs/", 0, NULL, NULL, runs_on_delete, NULL, runs_on_delete_gone},
	{"GET", "/v1/files/", 0, NULL, NULL, files_on_get, files_on_get_writable,
	 files_on_get_gone},
	{"PUT", "/v1/files/", WORKSPACE_FILE_MAX_BYTES, files_on_put, files_on_put_body,
	 files_on_put_end, NULL, files_on_put_gone},
	{"DELETE", "/v1/files/", 0, NULL, NULL, files_on_delete, helper_on_writable,
	 helper_on_gone},
	{"GET", "/v1/tree", 0, NULL, NULL, files_on_tree, helper_on_writable, helper_on_gone},
	{"PUT", "/v1/tar", TAR_MAX_BYTES, tar_on_put, tar_on_put_body, tar_on_put_end, NULL,
	 tar_on_put_gone},
	{"GET", "/v1/app", 0, NULL, NULL, app_on_get, NULL, NULL},
	{"POST", "/v1/app/start", APP_BODY_MAX_BYTES, app_on_begin, app_on_body, app_on_start, NULL,
	 app_on_gone},
	{"POST", "/v1/app/stop", APP_BODY_MAX_BYTES, app_on_begin, app_on_body, app_on_stop, NULL,
	 app_on_gone},
	{"GET", "/v1/app/logs", 0, app_logs_on_begin, NULL, app_logs_on_end, app_logs_on_writable,
	 app_logs_on_gone},
	{"GET", "/v1/terminal", 0, terminal_on_begin, terminal_on_body, terminal_on_end,
	 terminal_on_writable, terminal_on_gone},
	{"GET", "/v1/tar", 0, NULL, NULL, tar_on_get, helper_on_writable, helper_on_gone},
};

static bool path_matches(const struct route *r, const char *path, const char **ret_rest)
{
	size_t len = strlen(r->path);

	if (r->path[len - 1] != '/') {
		*ret_rest = "";
		return strcmp(path, r->path) == 0;
	}
	*ret_rest = path + len;
	return strncmp(path, r->path, len) == 0 && path[len] != '\0';
}

const struct route *route_find(struct http_slice method, const char *path, const char **ret_rest,
			       struct err *e)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (http_slice_is(method, routes[i].method) &&
		    path_matches(&routes[i], path, ret_rest)) {
			return &routes[i];
		}
	}
	err_set(e, ERR_NOT_FOUND, "no such call: %.*s %.200s",
		(int)(method.len < 16 ? method.len : 16), method.at, path);
	return NULL;
}
