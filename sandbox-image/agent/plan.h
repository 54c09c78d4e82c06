#pragma once

/*
 * What is run for a workspace and what must be installed before: read from package.json, the
 * lockfile and the files that lie there (docs/ARCHITECTURE.md, "The app in the agent").
 */

#include "path.h"
#include "plan_stamp.h"
#include "workspace.h"

#include <jansson.h>

enum plan_kind { PLAN_SCRIPT, PLAN_STATIC, PLAN_NODE };
enum plan_manager { PLAN_NO_MANAGER, PLAN_NPM, PLAN_PNPM, PLAN_YARN };

#define PLAN_ARGS_MAX 10

struct plan {
	enum plan_kind kind;
	enum plan_manager manager;    /* PLAN_NO_MANAGER without package.json */
	const char *lockfile;	      /* the manager's, when it is there; or NULL */
	bool berry;		      /* yarn.lock is of Yarn 2 or later */
	bool install;		      /* packages are to be installed first */
	char stamp[PLAN_STAMP_BYTES]; /* names what an installation was made from; "" with no
					 manifest */

	const char *script;		 /* PLAN_SCRIPT: its name */
	char entry[PATH_MAX_BYTES + 16]; /* PLAN_NODE: the file; PLAN_STATIC: the directory */
};

/* Reads the workspace. ERR_NOT_FOUND when there is nothing to run, ERR_INVALID when package.json
 * is wrong; both in words for the person whose files these are. */
NODISCARD int plan_make(const struct workspace *w, struct plan *ret, struct err *e);

/* The command as an argument list ending with NULL; borrowed from the plan. */
void plan_command(const struct plan *p, const char *ret_argv[PLAN_ARGS_MAX]);

/* The same for its installation: `frozen` takes the lockfile as it is, otherwise it may change. */
void plan_install_command(const struct plan *p, bool frozen, const char *ret_argv[PLAN_ARGS_MAX]);

/* Remembers in node_modules that the plan was installed; without it, it is installed again. */
void plan_write_stamp(const struct plan *p, const struct workspace *w);

/* As in the app's state; NULL when out of memory. */
json_t *plan_json(const struct plan *p, bool frozen);
