#pragma once

#include "err.h"
#include "run_request.h"
#include "workspace.h"

/* Writes a run's own files, whatever lies in their way (make_way.h). On a full disk a file that is
 * there already is overwritten: that needs neither room for a second one nor for its name. */
NODISCARD int run_files_write(const struct run_request *rq, const struct workspace *w,
			      struct err *e);
