#pragma once

/*
 * Whether what a package.json and a package-lock.json ask for may be shared between tenants, and
 * the two files npm is then given: made anew from what was checked, so that nothing else in them,
 * and no way of reading them twice, has a say in what is installed.
 *
 * Shareable is what is the same for everybody: every package is from the registry and fixed by its
 * SHA-512, and none needs to run anything at its installation.
 */

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define LOCKFILE_MAX_BYTES    (4 * 1024 * 1024)
#define MANIFEST_MAX_BYTES    (1024 * 1024)
#define LOCKFILE_PACKAGES_MAX 8000

/* The host of "resolved" in what npm is given. It takes the registry's instead. */
#define LOCKFILE_REGISTRY "https://registry.invalid"

struct lockfile_input {
	const char *manifest, *lockfile;
	size_t manifest_len, lockfile_len;
	const char *scripts_not_needed; /* a line each: name, first version; '#' a comment */
	const char *cpu;		/* of this machine, as npm calls it */
};

struct lockfile_tree {
	char *manifest, *lockfile; /* the same for equal trees, whatever their files looked like */
	int64_t packages;
};

/* ERR_UNPROCESSABLE: not shareable, with the reason in words for people. */
NODISCARD int lockfile_check(const struct lockfile_input *in, struct lockfile_tree *ret,
			     struct err *e);
void lockfile_tree_fini(struct lockfile_tree *t);
