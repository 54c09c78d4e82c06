#pragma once

#include "err.h"
#include "run_request.h"
#include "workspace.h"

/*
 * Writes a run's own files, whatever programs before it have left in the workspace: a directory
 * that is in the way is moved aside, on a full disk the old file is overwritten, and a workspace
 * nobody may enter is opened again. Otherwise one program could make its sandbox useless for all
 * that follow.
 */
NODISCARD int run_files_write(const struct run_request *rq, const struct workspace *w,
			      struct err *e);
