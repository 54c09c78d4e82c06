#pragma once

/* What the database knows of dependency trees: every statement about them is here. */

#include "tree.h"

#include <stddef.h>

struct db;

enum tree_state {
	TREE_NONE, /* no row, or a failure that is old enough to try again */
	TREE_BUILDING,
	TREE_READY,
	TREE_FAILED, /* lately */
};

/* *ret_error: why it failed. */
NODISCARD int tree_store_find(struct db *db, const char *key, enum tree_state *ret,
			      char ret_error[200], struct err *e);

NODISCARD int tree_store_begin(struct db *db, const char *key, int64_t packages, struct err *e);
NODISCARD int tree_store_ready(struct db *db, const char *key, int64_t size_bytes, struct err *e);
NODISCARD int tree_store_failed(struct db *db, const char *key, const char *why, struct err *e);
NODISCARD int tree_store_delete(struct db *db, const char *key, struct err *e);

/* Marks a use. */
NODISCARD int tree_store_touch(struct db *db, const char *key, struct err *e);

struct tree_row {
	char key[TREE_KEY_BYTES];
	enum tree_state state;
	int64_t idle_s; /* since its last use */
};

/* All rows, unused for longest first. Free the array. */
NODISCARD int tree_store_list(struct db *db, struct tree_row **ret, size_t *ret_n, struct err *e);

/* The tree a sandbox's disk is made for, "" for none. ERR_NOT_FOUND without such a sandbox. */
NODISCARD int tree_store_of_sandbox(struct db *db, const char *sandbox_id,
				    char ret_key[TREE_KEY_BYTES], struct err *e);
/* `key` "": none. */
NODISCARD int tree_store_set_sandbox(struct db *db, const char *sandbox_id, const char *key,
				     struct err *e);

/* The files of a project's newest version that decide about its tree; free the two texts. */
struct tree_files {
	char *manifest, *lockfile; /* NULL: there is none */
	size_t manifest_len, lockfile_len;
	char other[64]; /* one besides that npm would take into account, or "" */
};

/* `max_bytes`: a larger one is ERR_TOO_LARGE. */
NODISCARD int tree_store_files(struct db *db, const char *project_id, int64_t max_bytes,
			       struct tree_files *ret, struct err *e);
void tree_files_fini(struct tree_files *f);
