#pragma once

/* Versions as requests name them. */

#include "err.h"
#include "projects/projects.h"

#include <stddef.h>
#include <stdint.h>

struct request;

/* params[i] as a version the project has. ERR_NOT_FOUND otherwise, also when it is no number. */
NODISCARD int version_of_param(const struct request *rq, size_t i,
			       const struct project_ref *project, int64_t *ret_n, struct err *e);

/* The same, or 0: the project before it had files. */
NODISCARD int version_or_nothing_of_param(const struct request *rq, size_t i,
					  const struct project_ref *project, int64_t *ret_n,
					  struct err *e);

/* ?version=n, a version the project has; without it the head, which may be 0: none yet. */
NODISCARD int version_of_query(const struct request *rq, const struct project_ref *project,
			       int64_t *ret_n, struct err *e);
