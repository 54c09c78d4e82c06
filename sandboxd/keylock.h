#pragma once

/* One lock per name: what concerns one sandbox is done one after the other, different ones at once.
 */

#include "err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define KEYLOCK_KEY_BYTES 48
#define KEYLOCK_HELD_MAX  64 /* a thread holds one at a time, so more than there are threads */

struct keylock {
	pthread_mutex_t mutex;
	pthread_cond_t released;
	char held[KEYLOCK_HELD_MAX][KEYLOCK_KEY_BYTES]; /* "" is a free place */
};

void keylock_init(struct keylock *k);
void keylock_fini(struct keylock *k);

/* ERR_TIMEOUT when somebody else still holds it at the deadline. */
NODISCARD int keylock_take(struct keylock *k, const char *key, int64_t deadline_ms, struct err *e);

/* False when somebody holds it. */
NODISCARD bool keylock_try(struct keylock *k, const char *key);

void keylock_release(struct keylock *k, const char *key);
