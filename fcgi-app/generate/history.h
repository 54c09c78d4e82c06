#pragma once

/* What happened in a project before this turn, as the model is told it. */

#include "err.h"
#include "strbuf.h"

struct context;
struct turn;

/* The last messages before this turn's, oldest first, into c->messages. Of what the model said only
 * its prose and the names of its files: the files themselves are told as they are now. */
NODISCARD int history_messages(struct context *c, struct turn *t, struct err *e);

/* What the last run, or install, start and check of the app, printed and how it ended; or a line
 * saying there was none. */
NODISCARD int history_last_run(struct turn *t, struct strbuf *out, struct err *e);
