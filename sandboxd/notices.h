#pragma once

/* What the event thread tells the keeper: which sandboxes to look at, or that all are in doubt. */

#include "token.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define NOTICES_MAX 256 /* more at once than this means: look at everything */

struct notices {
	pthread_mutex_t mutex;
	int fd; /* an eventfd, readable while there is something */
	char ids[NOTICES_MAX][UUID_TEXT_BYTES];
	size_t n;
	bool everything;
};

NODISCARD int notices_init(struct notices *q, struct err *e);
void notices_fini(struct notices *q);

void notices_add(struct notices *q, const char *id);
void notices_add_everything(struct notices *q);

/* Takes all there is. Returns how many ids; *ret_everything: they do not matter. */
size_t notices_take(struct notices *q, char ret_ids[NOTICES_MAX][UUID_TEXT_BYTES],
		    bool *ret_everything);
