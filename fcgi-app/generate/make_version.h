#pragma once

/* The files of a turn become the project's next version. */

#include "err.h"
#include "generate/file_set.h"
#include "generate/turn.h"

/*
 * One transaction. When somebody edited the project while the model was writing, the version is
 * made on top of their edits; where both changed a file, the model's is in the new version, theirs
 * in the one before, and the `version` event names it in `overwrote`. Nothing is lost either way.
 *
 * Sets t->version and sends `version` {version, parent, files, overwrote}. No changes: does
 * nothing.
 */
NODISCARD int make_version(struct turn *t, const struct file_set *files, struct err *e);
