#pragma once

/* Which file of a project `node` is started with. */

#include "app.h"
#include "err.h"
#include "path.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRY_ARG_BYTES (PATH_MAX_BYTES + 3) /* "./", a path, NUL */

/* Where code that is no file of the project is written to run among its files. */
#define ENTRY_OF_CODE ".slipway-run.js"

/* Path of a "main" in a package.json's text, "./" removed, or "" when it names none that could be.
 */
void entry_of_package_json(const char *text, size_t len, char ret_path[PATH_MAX_BYTES + 1]);

/*
 * The argument for node: `wanted`, or when NULL "main" of package.json, index.js, index.mjs,
 * server.js, app.js or main.js, the first that version n of the project has. ERR_INVALID: `wanted`
 * is no path; ERR_UNPROCESSABLE: there is no such file, or nothing to start.
 */
NODISCARD int entry_find(struct app *app, const char *project_id, int64_t n, const char *wanted,
			 char ret_arg[ENTRY_ARG_BYTES], struct err *e);
