#pragma once

/* Which projects are to be synced, by one thread each at a time; safe among threads. */

#include "token.h"

#include <stdbool.h>
#include <stdint.h>

#define SYNC_QUEUE_MAX 512

struct sync_queue;

struct sync_queue *sync_queue_create(void); /* NULL: no memory */
void sync_queue_destroy(struct sync_queue *q);

/* Something is new since version `from`. False when the queue is full: what is lost is found when
 * the syncer looks again. */
bool sync_queue_add(struct sync_queue *q, const char *project_id, int64_t from);

/* The same for what was found by looking: not at once again after a failure. */
bool sync_queue_add_found(struct sync_queue *q, const char *project_id, int64_t from);

/* What failed, and has rested since, is to be done again from where it began. */
void sync_queue_retry(struct sync_queue *q);

/* Waits for work; false once the queue was closed. */
bool sync_queue_take(struct sync_queue *q, char ret_project_id[UUID_TEXT_BYTES], int64_t *ret_from);

/* It is over. A slow one shares one thread with all other slow ones from now on. */
void sync_queue_done(struct sync_queue *q, const char *project_id, bool failed, bool slow);

void sync_queue_close(struct sync_queue *q);
