#pragma once

/* What npm installs by a package.json, as far as it may be shared (lockfile.h). */

#include "err.h"

#include <jansson.h>

/* In package.json and in a lockfile's entries; the last is package.json's only. */
#define DEPENDENCY_FIELDS 4
extern const char *const manifest_dependency_fields[DEPENDENCY_FIELDS];

/* {"name": "range", …} of the package `of`, from the registry and nowhere else. ERR_UNPROCESSABLE.
 */
NODISCARD int manifest_check_specs(json_t *specs, const char *of, struct err *e);

/* Puts what npm needs to know into `to`. ERR_UNPROCESSABLE: not shareable. */
NODISCARD int manifest_build(json_t *manifest, json_t *to, struct err *e);
