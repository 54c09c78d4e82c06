#include "tar_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* POSIX.1-2017, pax, "ustar Interchange Format". */
struct ustar {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char linkname[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char unused[12];
};

_Static_assert(sizeof(struct ustar) == TAR_BLOCK_BYTES, "a ustar header is one block");

void tar_reader_init(struct tar_reader *r, const struct tar_sink *sink, void *ctx)
{
	*r = (struct tar_reader){.sink = sink, .ctx = ctx};
}

void tar_reader_fini(struct tar_reader *r)
{
	free(r->pax);
	r->pax = NULL;
}

/* Octal digits with blanks or NULs around them. */
static int read_octal(const char *at, size_t len, uint64_t *ret, struct err *e)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < len && at[i] == ' ') {
		i++;
	}
	for (; i < len && at[i] >= '0' && at[i] <= '7'; i++) {
		if (v >> 60) {
			return err_set(e, ERR_INVALID, "tar: a number is too large");
		}
		v = v << 3 | (uint64_t)(at[i] - '0');
	}
	for (; i < len; i++) {
		if (at[i] != ' ' && at[i] != '\0') {
			return err_set(e, ERR_INVALID, "tar: a header field is not a number");
		}
	}
	*ret = v;
	return 0;
}

static int check_sum(const char *block, const struct ustar *h, struct err *e)
{
	size_t from = offsetof(struct ustar, checksum), to = offsetof(struct ustar, type);
	uint64_t sum = 0, want;

	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) {
		sum += i >= from && i < to ? ' ' : (unsigned char)block[i];
	}
	if (read_octal(h->checksum, sizeof(h->checksum), &want, e) < 0 || sum != want) {
		return err_set(e, ERR_INVALID, "not a tar stream: wrong checksum in a header");
	}
	return 0;
}

/* "./a/b/" becomes "a/b"; "./" becomes "". */
static const char *tidy(char *path)
{
	size_t len;

	while (path[0] == '.' && path[1] == '/') {
		path += 2;
	}
	len = strlen(path);
	while (len > 0 && path[len - 1] == '/') {
		path[--len] = '\0';
	}
	return strcmp(path, ".") == 0 ? "" : path;
}

static void header_path(const struct ustar *h, char *ret, size_t cap)
{
	if (h->prefix[0] != '\0' && memcmp(h->magic, "ustar", 6) == 0) {
		(void)snprintf(ret, cap, "%.*s/%.*s", (int)sizeof(h->prefix), h->prefix,
			       (int)sizeof(h->name), h->name);
	} else {
		(void)snprintf(ret, cap, "%.*s", (int)sizeof(h->name), h->name);
	}
}

static void expect_content(struct tar_reader *r, enum tar_state state, uint64_t size)
{
	r->state = state;
	r->left = size;
	r->padding = (size_t)((TAR_BLOCK_BYTES - size % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES);
}

static int begin_pax(struct tar_reader *r, uint64_t size, struct err *e)
{
	if (size == 0 || size > TAR_PAX_MAX_BYTES) {
		return err_set(e, ERR_INVALID, "tar: an extended header of %llu bytes",
			       (unsigned long long)size);
	}
	free(r->pax);
	r->pax = malloc((size_t)size);
	r->pax_len = 0;
	if (!r->pax) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	expect_content(r, TAR_PAX, size);
	return 0;
}

static int begin_entry(struct tar_reader *r, const struct ustar *h, uint64_t size, struct err *e)
{
	const char *path;
	uint64_t mode;
	bool is_dir = h->type == '5';

	if (!r->has_path) {
		header_path(h, r->path, sizeof(r->path));
	}
	if (r->has_size) {
		size = r->size;
	}
	r->has_path = r->has_size = false;
	path = tidy(r->path);
	if (!is_dir && h->type != '0' && h->type != '\0') {
		return err_set(e, ERR_INVALID,
			       "tar: %.200s is no regular file and no directory (type %d)", path,
			       h->type);
	}
	if (++r->entries > TAR_ENTRIES_MAX) {
		return err_set(e, ERR_TOO_LARGE, "tar: more than %d entries", TAR_ENTRIES_MAX);
	}
	if (is_dir && path[0] == '\0') {
		return 0;
	}
	if (path_check(path, strlen(path), e) < 0) {
		return err_prefix(e, "tar: %.200s", path);
	}
	if (is_dir) {
		return size == 0 ? r->sink->dir(r->ctx, path, e)
				 : err_set(e, ERR_INVALID, "tar: a directory with content");
	}
	if (size > TAR_MAX_BYTES) {
		return err_set(e, ERR_TOO_LARGE, "tar: %.200s is larger than %d bytes", path,
			       TAR_MAX_BYTES);
	}
	if (read_octal(h->mode, sizeof(h->mode), &mode, e) < 0 ||
	    r->sink->file(r->ctx, path, (mode_t)(mode & 0777) | 0600, size, e) < 0) {
		return -1;
	}
	r->in_file = true;
	expect_content(r, TAR_DATA, size);
	return 0;
}

static bool all_zero(const char *block)
{
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) {
		if (block[i] != '\0') {
			return false;
		}
	}
	return true;
}

static int begin_header(struct tar_reader *r, struct err *e)
{
	struct ustar h;
	uint64_t size;

	if (all_zero(r->block)) {
		r->state = TAR_END;
		return 0;
	}
	memcpy(&h, r->block, sizeof(h));
	if (check_sum(r->block, &h, e) < 0 || read_octal(h.size, sizeof(h.size), &size, e) < 0) {
		return -1;
	}
	switch (h.type) {
	case 'x':
		return begin_pax(r, size, e);
	case 'g':
		if (size > TAR_PAX_MAX_BYTES) {
			return err_set(e, ERR_INVALID, "tar: a global header is too large");
		}
		expect_content(r, TAR_SKIP, size);
		return 0;
	case 'L':
	case 'K':
		return err_set(e, ERR_INVALID,
			       "tar: GNU long names are not read; make it with --format=pax");
	default:
		return begin_entry(r, &h, size, e);
	}
}

static int use_pax_size(struct tar_reader *r, const char *value, size_t len, struct err *e)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9' || v > TAR_MAX_BYTES) {
			return err_set(e, ERR_INVALID, "tar: a size is no number or too large");
		}
		v = v * 10 + (uint64_t)(value[i] - '0');
	}
	r->size = v;
	r->has_size = true;
	return 0;
}

static int use_pax_record(struct tar_reader *r, const char *key, size_t key_len, const char *value,
			  size_t len, struct err *e)
{
	if (key_len == 4 && memcmp(key, "path", 4) == 0) {
		if (len >= sizeof(r->path) || memchr(value, '\0', len)) {
			return err_set(e, ERR_INVALID, "tar: a path is too long or has a NUL");
		}
		memcpy(r->path, value, len);
		r->path[len] = '\0';
		r->has_path = true;
		return 0;
	}
	if (key_len == 4 && memcmp(key, "size", 4) == 0) {
		return use_pax_size(r, value, len, e);
	}
	if (key_len > 11 && memcmp(key, "GNU.sparse.", 11) == 0) {
		return err_set(e, ERR_INVALID, "tar: sparse files are not read");
	}
	return 0;
}

/* Records of the form "<length> <key>=<value>\n", the length counting all of it. */
static int use_pax(struct tar_reader *r, struct err *e)
{
	const char *at = r->pax, *end = r->pax + r->pax_len;

	while (at < end) {
		const char *p = at, *equals;
		size_t len = 0;

		while (p < end && *p >= '0' && *p <= '9' && len <= TAR_PAX_MAX_BYTES) {
			len = len * 10 + (size_t)(*p++ - '0');
		}
		if (p == at || p == end || *p != ' ' || len > (size_t)(end - at) ||
		    at + len <= p + 1 || at[len - 1] != '\n') {
			return err_set(e, ERR_INVALID, "tar: a broken extended header");
		}
		p++;
		equals = memchr(p, '=', (size_t)(at + len - p));
		if (!equals) {
			return err_set(e, ERR_INVALID, "tar: a broken extended header");
		}
		if (use_pax_record(r, p, (size_t)(equals - p), equals + 1,
				   (size_t)(at + len - 1 - (equals + 1)), e) < 0) {
			return -1;
		}
		at += len;
	}
	return 0;
}

static int end_content(struct tar_reader *r, struct err *e)
{
	if (r->state == TAR_PAX && use_pax(r, e) < 0) {
		return -1;
	}
	r->state = TAR_PADDING;
	if (r->in_file) {
		r->in_file = false;
		return r->sink->file_end(r->ctx, e);
	}
	return 0;
}

/* Consumes some of the bytes; the number, or -1. */
static ssize_t step(struct tar_reader *r, const char *bytes, size_t len, struct err *e)
{
	size_t take = len;

	switch (r->state) {
	case TAR_HEADER:
		take = TAR_BLOCK_BYTES - r->block_len < len ? TAR_BLOCK_BYTES - r->block_len : len;
		memcpy(r->block + r->block_len, bytes, take);
		r->block_len += take;
		if (r->block_len == TAR_BLOCK_BYTES) {
			r->block_len = 0;
			if (begin_header(r, e) < 0) {
				return -1;
			}
		}
		break;
	case TAR_PAX:
	case TAR_SKIP:
	case TAR_DATA:
		take = r->left < len ? (size_t)r->left : len;
		if (r->state == TAR_PAX) {
			memcpy(r->pax + r->pax_len, bytes, take);
			r->pax_len += take;
		} else if (r->state == TAR_DATA && r->sink->data(r->ctx, bytes, take, e) < 0) {
			return -1;
		}
		r->left -= take;
		break;
	case TAR_PADDING:
		take = r->padding < len ? r->padding : len;
		r->padding -= take;
		break;
	case TAR_END:
		break;
	}
	return (ssize_t)take;
}

/* Moves on where nothing more is wanted, so that empty files and full blocks need no bytes. */
static int settle(struct tar_reader *r, struct err *e)
{
	bool content = r->state == TAR_PAX || r->state == TAR_SKIP || r->state == TAR_DATA;

	if (content && r->left == 0 && end_content(r, e) < 0) {
		return -1;
	}
	if (r->state == TAR_PADDING && r->padding == 0) {
		r->state = TAR_HEADER;
	}
	return 0;
}

int tar_reader_feed(struct tar_reader *r, const char *bytes, size_t len, struct err *e)
{
	if (len > TAR_MAX_BYTES - r->total_bytes) {
		return err_set(e, ERR_TOO_LARGE, "tar: larger than %d bytes", TAR_MAX_BYTES);
	}
	r->total_bytes += len;
	while (len > 0) {
		ssize_t n = step(r, bytes, len, e);

		if (n < 0 || settle(r, e) < 0) {
			return -1;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int tar_reader_finish(const struct tar_reader *r, struct err *e)
{
	if (r->state == TAR_END) {
		return 0;
	}
	return err_set(e, ERR_INVALID,
		       r->total_bytes == 0 ? "tar: the body is empty"
					   : "tar: the stream was cut short");
}
