#pragma once

/*
 * One turn of the builder: a prompt and what came of it. The turn owns the row in `generations`
 * while it runs, its event log, and the pulse that keeps the janitor away and hears of a
 * cancellation.
 */

#include "app.h"
#include "err.h"
#include "generate/event_log.h"
#include "generate/summary.h"
#include "http/request.h"
#include "model/provider.h"
#include "strbuf.h"
#include "token.h"

#include <jansson.h>
#include <stdint.h>

#define TURN_BEAT_MS	     500
#define TURN_PING_MS	     15000 /* proxies between us and the client give silence a minute */
#define TURN_DELTA_MS	     EVENT_BATCH_MS
#define TURN_DELTA_BYTES     EVENT_BATCH_BYTES
#define TURN_DELTA_MAX_BYTES (1024 * 1024)
#define TURN_DELTA_KEY_BYTES 1100

/* Text that grows: neighbouring pieces of one kind and key travel as one event. */
enum delta_kind {
	DELTA_NONE,
	DELTA_MESSAGE, /* event message {delta} */
	DELTA_FILE,    /* event file {path: key, state: writing, bytes, delta} */
	DELTA_OUTPUT,  /* event output {stream: key, data} */
	DELTA_INSTALL, /* the same with source: install */
	DELTA_APP,     /* … source: app */
};

struct delta {
	enum delta_kind kind;
	char key[TURN_DELTA_KEY_BYTES];
	struct strbuf text;
	int64_t file_bytes;
	int64_t sent_ms; /* when the last one went out */
};

struct turn {
	struct app *app;
	const struct request *rq;
	char id[UUID_TEXT_BYTES];
	const char *project_id; /* borrowed */
	int64_t base_version;	/* the head that the model is shown */
	enum model_mode mode;
	const char *mode_name;
	struct model_choice choice;
	const char *prompt; /* borrowed */

	struct event_log log;
	struct delta delta;
	struct summary summary; /* of all that was sent */
	int64_t step_ms;	/* when the step that goes on began, 0: none does */
	bool spoken;		/* the first piece of text has gone out, which waits for no batch */
	int64_t next_beat_ms;
	int64_t pinged_ms; /* when the last comment went out */

	struct strbuf reply; /* everything the model said */
	struct model_usage usage;
	int64_t version; /* it made, 0: none */
};

/* Stores the generation and the person's message. ERR_CONFLICT: one is running in this project. The
 * rest of *t is set by the caller before. */
NODISCARD int turn_start(struct turn *t, struct err *e);

/* Opens the event stream; from here on errors are events. */
NODISCARD int turn_open(struct turn *t, struct response *rs, struct err *e);
void turn_fini(struct turn *t);

/* Adds an event behind whatever text is pending. `data` is stolen; a `step` gets the time of day
 * (`at`) and, when it ends one, `duration_ms` where it has none. */
NODISCARD int turn_emit(struct turn *t, const char *type, json_t *data, struct err *e);

/* Adds text; valid UTF-8. `file_bytes` is what the file has by now (DELTA_FILE only). */
NODISCARD int turn_text(struct turn *t, enum delta_kind kind, const char *key, const char *text,
			size_t len, int64_t file_bytes, struct err *e);

/*
 * Call often: sends what is due, beats at most every TURN_BEAT_MS. ERR_CANCELLED once somebody
 * asked for it, or the row is not ours any more; ERR_TIMEOUT past the request's deadline.
 */
NODISCARD int turn_tick(struct turn *t, struct err *e);

/* The same with a beat now: before what may take long and cannot tick. */
NODISCARD int turn_beat(struct turn *t, struct err *e);

/* Ends it: stores the reply, the summary and the row's state, sends `error` (unless *failure is
 * NULL or a cancellation) and `done`. What cannot be stored is logged; the janitor finds the row.
 */
void turn_finish(struct turn *t, const struct err *failure);
