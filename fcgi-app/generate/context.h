#pragma once

/*
 * What a model is told besides the prompt: the files of the project's head, what was said before
 * and, for fix and explain, what the last run printed. All of it bounded; what is left out is
 * named.
 */

#include "err.h"
#include "generate/turn.h"
#include "model/provider.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#define CONTEXT_FILES_MAX_BYTES	  (128 * 1024) /* of contents */
#define CONTEXT_MESSAGES_MAX	  12
#define CONTEXT_MESSAGE_MAX_BYTES (8 * 1024)
#define CONTEXT_RUN_MAX_BYTES	  (16 * 1024)

struct context {
	struct strbuf system;
	struct model_file *files; /* of the head, in path order; paths owned */
	size_t n_files;
	struct model_message messages[CONTEXT_MESSAGES_MAX + 3]; /* history, prompt, re-ask */
	char *contents[CONTEXT_MESSAGES_MAX];			 /* owned */
	size_t n_messages;
};

NODISCARD int context_init(struct context *c, struct turn *t, struct err *e);
void context_fini(struct context *c); /* also on a zeroed one */

/* One more message behind the last; `content` is borrowed. At most two. */
void context_add(struct context *c, const char *role, const char *content);

struct model_request context_request(const struct context *c, const struct turn *t);

bool context_has_file(const struct context *c, const char *path);
