#pragma once

/*
 * The events of one generation: numbered from 1, stored in PostgreSQL, then sent to the client that
 * started it and announced to those that re-attached. What a client has seen is always stored, so
 * that it can resume by the id of the last event it got.
 *
 * Events are batched: one goes out at once when nothing went out in the last 50 ms, otherwise with
 * the next batch, after 50 ms or at 4 KiB.
 */

#include "app.h"
#include "err.h"
#include "strbuf.h"
#include "token.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define EVENT_BATCH_MS	      50
#define EVENT_BATCH_BYTES     4096
#define EVENT_BATCH_MAX_BYTES (8 * 1024 * 1024) /* what one flush may hold */

struct response;

struct event_log {
	struct app *app;
	struct response *live; /* NULL: nobody there */
	char generation_id[UUID_TEXT_BYTES];
	int64_t next_seq;
	int64_t flushed_ms; /* clock_mono_ms of the last flush */
	json_t *pending;    /* [[seq, type, data as text], …] */
	struct strbuf sse;  /* the same, as the live client gets it */
	bool durable;	    /* some pending event must survive a crash */
};

/* Begins the event stream on `live` (NULL: nobody watches). A client that is gone, now or later, is
 * no error: events are stored all the same. */
void event_log_open(struct event_log *log, struct app *app, const char *generation_id,
		    struct response *live);
void event_log_fini(struct event_log *log); /* drops what was not flushed */

/*
 * Adds an event; `data` is stolen (also on failure), NULL is ERR_INTERNAL "out of memory".
 * "version" and "done" go out at once and are durable on return. -1 when storing failed: nothing of
 * the batch was sent, it stays pending and the next flush tries again.
 */
NODISCARD int event_log_add(struct event_log *log, const char *type, json_t *data, struct err *e);

/* Sends a batch whose time has come; call it at least every EVENT_BATCH_MS while waiting. */
NODISCARD int event_log_tick(struct event_log *log, struct err *e);

/* Sends what is pending now. */
NODISCARD int event_log_flush(struct event_log *log, struct err *e);
