#pragma once

/*
 * Dependency trees: node_modules by what they are made from (docs/ARCHITECTURE.md). A tree is built
 * once in a sandbox nobody owns, sealed as $STATE/trees/<key>.img, mounted read-only at
 * $RUN/trees/<key>, and given to each sandbox as the lower layer of an overlay of its own.
 *
 * A start does, in this order: tree_plan and tree_ensure (without its owner's lock, because a build
 * takes minutes), then with the lock and the disk open tree_attach, then the container with the
 * overlay bound to /workspace/node_modules; and after the container's end tree_detach before the
 * disk is closed. Where anything says no, the agent installs into the project's own disk.
 */

#include "err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sandboxd;
struct trees;
struct worker;

#define TREE_KEY_BYTES	 65 /* SHA-256 in hex */
#define TREE_BUILDS_MAX	 2  /* at once; each is a sandbox of the profile app */
#define TREE_UIDS	 TREE_BUILDS_MAX
#define TREE_MOUNT_POINT "/workspace/node_modules" /* in the container */

/* What a version of a project wants. */
struct tree_plan {
	char key[TREE_KEY_BYTES]; /* "": not shareable */
	char why[200];		  /* then this says why, in words for people */
	int64_t packages;
	char *manifest, *lockfile; /* what the tree is made from; NULL without a key */
};

/* One for the process (struct sandboxd). NULL: out of memory. */
struct trees *trees_create(void);
void trees_destroy(struct trees *t);

/* Reads manifest and lockfile of the project's newest version from the database. 0 also when it is
 * not shareable; *ret wants tree_plan_fini. */
NODISCARD int tree_plan(struct worker *w, const char *project_id, struct tree_plan *ret,
			struct err *e);
void tree_plan_fini(struct tree_plan *p);

/*
 * 0: the tree is there, or was built now. 1: somebody else is building it, or all places to build
 * in are taken; jobs_look_again is called when that has changed. ERR_TIMEOUT when the build is not
 * done at the deadline, any other kind when the tree cannot be built; that is remembered for 10
 * minutes.
 */
NODISCARD int tree_ensure(struct worker *w, const struct tree_plan *plan, int64_t deadline_ms,
			  struct err *e);

/*
 * Mounts the tree for a sandbox whose disk is open and whose container does not run; ret_path is
 * what gets bound to TREE_MOUNT_POINT. Idempotent. What the sandbox itself wrote into an earlier
 * mount of this key is there again, with another key it is gone. Also sees to it that there is an
 * empty directory to mount on in its workspace. Writes the row's tree_key. ERR_NOT_FOUND when the
 * tree is not there (any more).
 */
NODISCARD int tree_attach(struct worker *w, const char *sandbox_id, const char *key, uid_t uid,
			  char ret_path[PATH_MAX], struct err *e);

/* Takes the mount away, before the disk is closed. Harmless when there is none. The row keeps its
 * tree_key: its disk still holds what belongs to that tree. */
NODISCARD int tree_detach(struct worker *w, const char *sandbox_id, struct err *e);

/*
 * For a start without a tree: forgets the earlier one and what was written on top of it, so that
 * its space is free. The disk is open, nothing is attached.
 */
NODISCARD int tree_forget(struct worker *w, const char *sandbox_id, struct err *e);

/* Whether this is the sandbox of a build under way, which no row knows. */
bool tree_is_builder(struct sandboxd *d, const char *sandbox_id);

/* What crashes left behind, and the budget: trees unused for longest go first. Called by
 * reconcile(), which has taken away builders' sandboxes as nobody's. */
NODISCARD int tree_reconcile(struct worker *w, struct err *e);
