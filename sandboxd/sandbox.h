#pragma once

/*
 * The verbs: what callers, the keeper and the shutdown do with one sandbox. Each takes the lock of
 * the sandbox's owner, so that one is worked on by one thread at a time; what a row in state
 * 'starting' or 'stopping' says while nobody holds that lock was left by a dead sandboxd.
 */

#include "store.h"

struct worker;

/*
 * Asks whether the start that a verb is a step of was cancelled; NULL: it is no step of one. The
 * verb asks while it has the lock, and then does nothing (ERR_CANCELLED). Who cancels takes the
 * lock afterwards, so what it does to the sandbox stays: no step of the cancelled start comes after
 * it.
 */
struct cancellation {
	bool (*is_cancelled)(void *ctx);
	void *ctx;
};

/*
 * The owner's sandbox, running and answering: the project's, of the profile app, or the user's own
 * (`project_id` NULL). With `tree_key` ("": none) it has that dependency tree or, when that cannot
 * be given to it, none, and is made anew for it; NULL leaves that as it is.
 */
NODISCARD int sandbox_ensure(struct worker *w, const char *user_id, const char *project_id,
			     const char *tree_key, const struct cancellation *c,
			     struct sandbox_row *ret, struct err *e);

/* The row of the project's sandbox, made when there is none. Waits for nobody. */
NODISCARD int sandbox_of_project(struct worker *w, const char *user_id, const char *project_id,
				 struct sandbox_row *ret, struct err *e);

/* What a start is at, in the row: "" at its end. */
NODISCARD int sandbox_set_phase(struct worker *w, const char *id, const char *phase,
				const struct cancellation *c, struct err *e);

/* A start that went wrong: nothing of it stays but the disk, and `why` in its row. 0 also when
 * there is no row. */
NODISCARD int sandbox_fail(struct worker *w, const char *id, const char *why,
			   const struct cancellation *c, struct err *e);

/* The workspace stays. `why` goes to the log. A start under way is given up. */
NODISCARD int sandbox_stop(struct worker *w, const char *id, const char *why,
			   struct sandbox_row *ret, struct err *e);

/* Container, disk, socket directory, row. ERR_NOT_FOUND when there is no row. */
NODISCARD int sandbox_delete(struct worker *w, const char *id, struct err *e);

/*
 * Brings row and reality together, if nobody is working on the sandbox: unwanted ones go, half
 * started ones are cleared, a running one without its container becomes stopped, and one at rest
 * keeps nothing but its disk. 0 also when there is no row.
 */
NODISCARD int sandbox_settle(struct worker *w, const char *id, struct err *e);

/* Stops it unless somebody used it within idle_s or it is at work: *ret_stopped says whether. */
NODISCARD int sandbox_stop_idle(struct worker *w, const char *id, int64_t idle_s, bool *ret_stopped,
				struct err *e);

/* Stops a running one whose agent still does not answer. */
NODISCARD int sandbox_stop_mute(struct worker *w, const char *id, struct err *e);

/* Removes everything that carries the id of no row. */
NODISCARD int sandbox_purge(struct worker *w, const char *id, struct err *e);
