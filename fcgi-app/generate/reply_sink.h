#pragma once

/* Takes a reply as it comes: words become `message` events, files `file` events and entries of a
 * set. */

#include "err.h"
#include "generate/context.h"
#include "generate/file_set.h"
#include "generate/turn.h"
#include "model/reply.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct reply_sink {
	struct turn *turn;
	const struct context *context;
	struct file_set *files;
	struct reply_parser parser;
	struct strbuf body; /* of the file that is open */
	bool body_open;
	bool only_refused; /* the second answer: only what was refused is taken */
	bool tags_seen;	   /* some file or deletion, good or bad */
	size_t reply_at;   /* where this answer begins in turn->reply */
};

void reply_sink_init(struct reply_sink *s, struct turn *t, const struct context *c,
		     struct file_set *files, bool only_refused);
void reply_sink_fini(struct reply_sink *s);

/* Callbacks of struct model_callbacks; ctx is the sink. */
int reply_sink_text(void *ctx, const char *text, size_t len, struct err *e);
int reply_sink_tick(void *ctx, struct err *e);

/* The answer is complete. */
NODISCARD int reply_sink_end(struct reply_sink *s, struct err *e);
