#pragma once

/*
 * yarn 1 fetches from the addresses in yarn.lock, whatever registry is configured, and writes the
 * package cache's there, where they mean nothing to others. So the lockfile is pointed at the cache
 * for an installation and back after it.
 */

#include "strbuf.h"
#include "workspace.h"

#define YARN_LOCK_ORIGIN_MAX_BYTES 256

/* Points yarn.lock at `registry` (with a slash at the end). *ret_origin is where it pointed before,
 * "" when there is nothing to undo. Best effort: a lockfile that cannot be changed stays. */
void yarn_lock_point_at(const struct workspace *w, const char *registry,
			char ret_origin[YARN_LOCK_ORIGIN_MAX_BYTES]);

/* The text of a lockfile with all its registry addresses replaced by `registry`; the first one
 * replaced is the origin. 1: changed, 0: there was none. */
int yarn_lock_rewrite(const char *text, const char *registry, struct strbuf *to,
		      char ret_origin[YARN_LOCK_ORIGIN_MAX_BYTES]);
