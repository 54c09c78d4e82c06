#pragma once

/* Versions: immutable trees of files, made in one transaction, never changed or deleted. */

#include "app.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_MAX_BYTES	  (10 * 1024 * 1024)
#define VERSION_MAX_BYTES (200LL * 1024 * 1024)
#define VERSION_FILES_MAX 2000

struct file_change {
	const char *path;  /* checked by path_check */
	const void *bytes; /* NULL: as sha256 says */
	/* Of contents that a version of this very project has, len bytes of them; never one that a
	 * caller of the API named. NULL: delete. */
	const char *sha256;
	size_t len;
	int mode; /* 0644 or 0755 */
};

struct version_meta {
	const char *kind; /* as in the schema */
	const char *author_id;
	const char *generation_id; /* or NULL */
	const char *message;
	int64_t restored_from; /* 0: none; else the changes apply to that version's tree */
};

/*
 * Makes the next version of a project: the head's tree with the changes applied, durable on return
 * (synchronous_commit on). expected_head: ERR_CONFLICT when the head is another; -1: any.
 * ERR_TOO_LARGE for the limits above; ERR_UNPROCESSABLE for a file written beneath
 * PATH_NEVER_STORED. Starts and ends its own transaction.
 */
NODISCARD int version_create(struct app *app, const char *project_id, int64_t expected_head,
			     const struct file_change *changes, size_t n_changes,
			     const struct version_meta *meta, int64_t *ret_n, struct err *e);

/* The same inside the caller's transaction, which it must roll back on failure. */
NODISCARD int version_add(struct app *app, const char *project_id, int64_t expected_head,
			  const struct file_change *changes, size_t n_changes,
			  const struct version_meta *meta, int64_t *ret_n, struct err *e);

/* Calls fn for each file of a version in path order (bytewise), until it returns -1, or 1: enough.
 * `bytes` only when with_bytes; what is borrowed lives until fn returns, and fn may use the
 * database. A version that is not there has no files. */
struct version_file {
	const char *path;
	const char *sha256;
	int mode;
	int64_t size;
	const void *bytes;
};
typedef int version_file_fn(void *ctx, const struct version_file *f, struct err *e);
NODISCARD int version_each(struct app *app, const char *project_id, int64_t n, bool with_bytes,
			   version_file_fn *fn, void *ctx, struct err *e);

/* The same, with bytes, of those files only that `wanted` takes; it is asked about all of them, in
 * path order, before the first is read. */
typedef bool version_wanted_fn(void *ctx, const struct version_file *f);
NODISCARD int version_each_wanted(struct app *app, const char *project_id, int64_t n,
				  version_wanted_fn *wanted, version_file_fn *fn, void *ctx,
				  struct err *e);
