#include "tree.h"

#include "fs.h"
#include "json.h"
#include "strbuf.h"
#include "walk.h"

#include <string.h>

#define FLUSH_AT_BYTES (32 * 1024)
#define BUFFER_BYTES   (128 * 1024)

struct tree_writer {
	struct strbuf buf;
	int out;
	bool first;
};

static int flush(struct tree_writer *t, struct err *e)
{
	if (strbuf_check(&t->buf, "the tree", e) < 0 ||
	    fs_write_fd(t->out, t->buf.data, t->buf.len, e) < 0) {
		return -1;
	}
	strbuf_reset(&t->buf);
	return 0;
}

static const char *type_of(const struct stat *st)
{
	if (S_ISREG(st->st_mode)) {
		return "file";
	}
	if (S_ISDIR(st->st_mode)) {
		return "dir";
	}
	return S_ISLNK(st->st_mode) ? "link" : NULL;
}

static int write_entry(void *ctx, const struct walk_entry *entry, enum walk_next *ret_next,
		       struct err *e)
{
	struct tree_writer *t = ctx;
	const char *type = type_of(entry->st);
	json_t *item;
	char *text;

	if (!type) {
		return 0;
	}
	if (strcmp(entry->name, "node_modules") == 0 || strcmp(entry->name, ".git") == 0) {
		*ret_next = WALK_SKIP;
	}
	item = json_pack("{s:s,s:I,s:i,s:s}", "path", entry->path, "size",
			 (json_int_t)entry->st->st_size, "mode", (int)(entry->st->st_mode & 0777),
			 "type", type);
	text = item ? json_text(item) : NULL;
	json_decref(item);
	if (!text) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	strbuf_adds(&t->buf, t->first ? "" : ",");
	strbuf_adds(&t->buf, text);
	free(text);
	t->first = false;
	return t->buf.len >= FLUSH_AT_BYTES ? flush(t, e) : 0;
}

int tree_write(const struct workspace *w, const char *arg, int out, struct err *e)
{
	struct tree_writer t = {.out = out, .first = true};
	bool truncated;
	int result;

	(void)arg;
	strbuf_init(&t.buf, BUFFER_BYTES);
	strbuf_adds(&t.buf, "{\"items\":[");
	result = walk(w->dir_fd, write_entry, &t, &truncated, e);
	if (result == 0) {
		strbuf_addf(&t.buf, "],\"truncated\":%s}", truncated ? "true" : "false");
		result = flush(&t, e);
	}
	strbuf_fini(&t.buf);
	return result;
}
