#include "generate/file_set.h"

#include "cleanup.h"

#include <stdio.h>
#include <string.h>

void file_set_fini(struct file_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->files[i].path);
		free(s->files[i].bytes);
	}
	free(s->files);
	*s = (struct file_set){0};
}

struct set_file *file_set_find(const struct file_set *s, const char *path)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->files[i].path, path) == 0) {
			return &s->files[i];
		}
	}
	return NULL;
}

static struct set_file *append(struct file_set *s, const char *path)
{
	struct set_file *more = reallocarray(s->files, s->n + 1, sizeof(*more));

	if (!more) {
		return NULL;
	}
	s->files = more;
	more[s->n] = (struct set_file){.path = strdup(path)};
	return more[s->n].path ? &more[s->n++] : NULL;
}

int file_set_put(struct file_set *s, const char *path, enum file_fate fate, const char *bytes,
		 size_t len, const char *reason, struct err *e)
{
	auto_free char *copy = NULL;
	struct set_file *f;

	if (fate == FILE_WRITTEN) {
		copy = malloc(len + 1);
		if (!copy) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
		memcpy(copy, bytes, len);
		copy[len] = '\0';
	}
	f = file_set_find(s, path);
	if (!f) {
		f = append(s, path);
	}
	if (!f) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	free(f->bytes);
	f->fate = fate;
	f->bytes = steal_ptr(copy);
	f->len = fate == FILE_WRITTEN ? len : 0;
	snprintf(f->reason, sizeof(f->reason), "%s", reason);
	return 0;
}

size_t file_set_count(const struct file_set *s, enum file_fate fate)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		n += s->files[i].fate == fate;
	}
	return n;
}

void file_set_add_refused(const struct file_set *s, struct strbuf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->files[i].fate == FILE_REFUSED) {
			strbuf_addf(out, "- %s: %s\n", s->files[i].path, s->files[i].reason);
		}
	}
}

int file_set_changes(const struct file_set *s, struct file_change **ret_changes, size_t *ret_n,
		     struct err *e)
{
	struct file_change *changes = calloc(s->n + 1, sizeof(*changes));
	size_t n = 0;

	if (!changes) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct set_file *f = &s->files[i];

		if (f->fate != FILE_REFUSED) {
			changes[n++] = (struct file_change){
				.path = f->path,
				.bytes = f->fate == FILE_WRITTEN ? f->bytes : NULL,
				.len = f->len,
				.mode = 0644,
			};
		}
	}
	*ret_changes = changes;
	*ret_n = n;
	return 0;
}
