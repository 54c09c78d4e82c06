#pragma once

#include "err.h"
#include "workspace.h"

/*
 * Makes a file at `path` possible, whatever programs have left in the workspace: a directory in its
 * place, or a file or link in the place of one of its directories, is moved aside under another
 * name, and directories nobody may enter are opened again. Otherwise one program could make its
 * sandbox useless for all that follow.
 */
NODISCARD int make_way(const struct workspace *w, const char *path, struct err *e);
