#pragma once

/*
 * What came of a turn, made of its events: those of a turn that runs as they are sent, those of one
 * whose worker died as they are stored. Bounded, whatever the events are.
 */

#include "err.h"
#include "strbuf.h"

#include <jansson.h>

#define SUMMARY_FILES_MAX      500 /* the first ones */
#define SUMMARY_STEP_MAX_BYTES (32 * 1024)
#define SUMMARY_REPLY_MAX      (256 * 1024) /* bytes; what is beyond is left out */

struct summary {
	json_t *files;	 /* path → {path, state, additions, deletions, reason?} as first named */
	json_t *steps;	 /* name → the last event of this step, as first named */
	json_t *preview; /* the last one, or NULL */
	struct strbuf reply; /* the model's words without the files */
};

NODISCARD int summary_init(struct summary *s, struct err *e);
void summary_fini(struct summary *s); /* also on a zeroed one */
#define auto_summary __attribute__((cleanup(summary_fini))) struct summary

/* Takes in one event, which is borrowed; of other types than these nothing is wanted. */
NODISCARD int summary_add(struct summary *s, const char *type, json_t *data, struct err *e);

/* The event that a turn which has ended owes a file it was still writing; NULL: none (any more).
 * Take it in, or the next is the same. */
json_t *summary_unfinished(const struct summary *s);

/*
 * "passed", "failed", or NULL when nothing was run or it is not known. The one place that says what
 * counts: a step that ended as `failed` fails all, but for one that could not be had (it has a
 * `kind`, and it was not that it took too long); then, and while a step has not ended, nothing is
 * known. What is left passed when a run finished or listens, an app listens, or its page was there.
 */
const char *summary_result(const struct summary *s);

/* {files, steps, preview, result} as text (free it), or NULL without memory. */
char *summary_text(const struct summary *s);
