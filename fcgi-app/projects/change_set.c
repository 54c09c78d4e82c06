#include "projects/change_set.h"

#include "cleanup.h"
#include "json.h"
#include "path.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_hashes(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->sha256, ((const struct change *)b)->sha256);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->change->path,
		      ((const struct change *)b)->change->path);
}

static int check_change(const struct file_change *c, struct err *e)
{
	if (path_check(c->path, strlen(c->path), e)) {
		return -1;
	}
	if (!c->bytes && !c->sha256) {
		return 0;
	}
	if (path_has_component(c->path, PATH_NEVER_STORED)) {
		return err_set(e, ERR_UNPROCESSABLE,
			       "packages are installed, not stored: a path must not have a "
			       "\"" PATH_NEVER_STORED "\" component");
	}
	if (c->len > FILE_MAX_BYTES) {
		return err_set(e, ERR_TOO_LARGE, "a file is at most %d bytes", FILE_MAX_BYTES);
	}
	if (c->mode != 0644 && c->mode != 0755) {
		return err_set(e, ERR_INVALID, "a file's mode is 0644 or 0755");
	}
	return 0;
}

static int check_twice(struct change_set *set, struct err *e)
{
	qsort(set->by_hash, set->n, sizeof(*set->by_hash), compare_paths);
	for (size_t i = 1; i < set->n; i++) {
		if (compare_paths(&set->by_hash[i - 1], &set->by_hash[i]) == 0) {
			return err_set(e, ERR_INVALID, "\"%.200s\" is changed twice",
				       set->by_hash[i].change->path);
		}
	}
	return 0;
}

int change_set_init(struct change_set *set, const struct file_change *changes, size_t n,
		    struct err *e)
{
	if (n > 2 * VERSION_FILES_MAX) {
		return err_set(e, ERR_TOO_LARGE, "a version holds at most %d files",
			       VERSION_FILES_MAX);
	}
	set->by_hash = calloc(n + 1, sizeof(*set->by_hash));
	if (!set->by_hash) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	set->n = n;
	for (size_t i = 0; i < n; i++) {
		if (check_change(&changes[i], e)) {
			return -1;
		}
		set->by_hash[i].change = &changes[i];
		if (changes[i].bytes) {
			sha256_hex(changes[i].bytes, changes[i].len, set->by_hash[i].sha256);
		} else if (changes[i].sha256) {
			snprintf(set->by_hash[i].sha256, sizeof(set->by_hash[i].sha256), "%s",
				 changes[i].sha256);
		}
	}
	if (check_twice(set, e)) {
		return -1;
	}
	qsort(set->by_hash, set->n, sizeof(*set->by_hash), compare_hashes);
	return 0;
}

void change_set_fini(struct change_set *set)
{
	free(set->by_hash);
	*set = (struct change_set){0};
}

char *change_set_json(const struct change_set *set)
{
	auto_json *array = json_array();

	for (size_t i = 0; i < set->n; i++) {
		const struct change *c = &set->by_hash[i];

		if (json_array_append_new(array,
					  json_pack("{s:s,s:s?,s:i,s:I}", "path", c->change->path,
						    "sha256", c->sha256[0] ? c->sha256 : NULL,
						    "mode", c->change->mode, "size",
						    (json_int_t)c->change->len))) {
			return NULL;
		}
	}
	return json_text(array);
}
