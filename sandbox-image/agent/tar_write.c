#include "tar_write.h"

#include "cleanup.h"
#include "fs.h"
#include "tar_read.h"
#include "walk.h"

#include <string.h>

#define COPY_STEP (64 * 1024)

struct tar_writer {
	int out;
	uint64_t total_bytes;
};

/* Puts text (without its NUL) at an offset of a header block. */
static void put(char *block, size_t at, const char *text)
{
	memcpy(block + at, text, strlen(text));
}

static void put_octal(char *block, size_t at, int digits, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%0*llo", digits, (unsigned long long)v);
	put(block, at, text);
}

/* One ustar block (offsets as in POSIX.1-2017, pax). `name` is cut to what fits. */
static void header_block(char *block, const char *name, char type, mode_t mode, uint64_t size,
			 int64_t mtime)
{
	unsigned sum = 0;

	memset(block, 0, TAR_BLOCK_BYTES);
	memcpy(block, name, strnlen(name, 100));
	put_octal(block, 100, 7, mode & 0777);
	put_octal(block, 108, 7, 0);
	put_octal(block, 116, 7, 0);
	put_octal(block, 124, 11, size);
	put_octal(block, 136, 11, mtime > 0 ? (uint64_t)mtime : 0);
	memset(block + 148, ' ', 8);
	block[156] = type;
	put(block, 257, "ustar");
	put(block, 263, "00");
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) {
		sum += (unsigned char)block[i];
	}
	put_octal(block, 148, 6, sum);
	block[154] = '\0';
}

/* "<length> path=<path>\n", the length counting its own digits. */
static size_t pax_record(const char *path, char *ret, size_t cap)
{
	size_t body = strlen(" path=\n") + strlen(path);
	size_t len = body + 1;
	char digits[24];

	while (body + (size_t)snprintf(digits, sizeof(digits), "%zu", len) != len) {
		len = body + strlen(digits);
	}
	(void)snprintf(ret, cap, "%s path=%s\n", digits, path);
	return len;
}

static bool plain_name(const char *path)
{
	if (strlen(path) > 99) {
		return false;
	}
	for (; *path != '\0'; path++) {
		if ((unsigned char)*path >= 0x80) {
			return false;
		}
	}
	return true;
}

size_t tar_header(const char *path, bool is_dir, mode_t mode, uint64_t size, int64_t mtime,
		  char ret[TAR_HEADER_MAX_BYTES])
{
	char name[PATH_MAX_BYTES + 2];
	size_t used = 0;

	(void)snprintf(name, sizeof(name), "%s%s", path, is_dir ? "/" : "");
	if (!plain_name(name)) {
		char *record = ret + TAR_BLOCK_BYTES;
		size_t cap = 3 * TAR_BLOCK_BYTES;
		size_t len;

		memset(record, 0, cap);
		len = pax_record(name, record, cap);
		header_block(ret, "pax-header", 'x', 0644, len, mtime);
		used = TAR_BLOCK_BYTES +
		       (len + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES;
	}
	header_block(ret + used, name, is_dir ? '5' : '0', mode, size, mtime);
	return used + TAR_BLOCK_BYTES;
}

static bool skipped(const struct walk_entry *entry)
{
	return S_ISDIR(entry->st->st_mode) && strcmp(entry->name, "node_modules") == 0;
}

/* Before the first byte is sent, so that what is too large gets an answer that says so. */
static int count_entry(void *ctx, const struct walk_entry *entry, enum walk_next *ret_next,
		       struct err *e)
{
	struct tar_writer *t = ctx;

	if (skipped(entry)) {
		*ret_next = WALK_SKIP;
		return 0;
	}
	t->total_bytes += 4 * TAR_BLOCK_BYTES;
	if (S_ISREG(entry->st->st_mode)) {
		t->total_bytes += (uint64_t)entry->st->st_size;
	}
	if (t->total_bytes > TAR_MAX_BYTES) {
		return err_set(e, ERR_TOO_LARGE, "the workspace is larger than %d MiB as tar",
			       TAR_MAX_BYTES / (1024 * 1024));
	}
	return 0;
}

static int write_padding(struct tar_writer *t, uint64_t size, struct err *e)
{
	static const char zeros[TAR_BLOCK_BYTES];
	size_t n = (size_t)((TAR_BLOCK_BYTES - size % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES);

	return fs_write_fd(t->out, zeros, n, e);
}

static int copy_file(struct tar_writer *t, int fd, const char *path, uint64_t size, struct err *e)
{
	static char buf[COPY_STEP];

	for (uint64_t left = size; left > 0;) {
		ssize_t n = read(fd, buf, left < sizeof(buf) ? (size_t)left : sizeof(buf));

		if (n <= 0) {
			return err_set(e, ERR_CONFLICT, "%.200s changed while it was read", path);
		}
		if (fs_write_fd(t->out, buf, (size_t)n, e) < 0) {
			return -1;
		}
		left -= (uint64_t)n;
	}
	return write_padding(t, size, e);
}

static int write_file(struct tar_writer *t, const struct walk_entry *entry, struct err *e)
{
	char header[TAR_HEADER_MAX_BYTES];
	auto_close int fd = openat(entry->dir_fd, entry->name,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	uint64_t size;

	/* Gone, replaced or not to be read since it was listed: it is not there then. */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		return 0;
	}
	size = (uint64_t)st.st_size;
	if (fs_write_fd(t->out, header,
			tar_header(entry->path, false, st.st_mode, size, st.st_mtime, header),
			e) < 0) {
		return -1;
	}
	return copy_file(t, fd, entry->path, size, e);
}

static int write_entry(void *ctx, const struct walk_entry *entry, enum walk_next *ret_next,
		       struct err *e)
{
	struct tar_writer *t = ctx;
	char header[TAR_HEADER_MAX_BYTES];

	if (skipped(entry)) {
		*ret_next = WALK_SKIP;
		return 0;
	}
	if (S_ISREG(entry->st->st_mode)) {
		return write_file(t, entry, e);
	}
	if (!S_ISDIR(entry->st->st_mode)) {
		return 0;
	}
	return fs_write_fd(
		t->out, header,
		tar_header(entry->path, true, entry->st->st_mode, 0, entry->st->st_mtime, header),
		e);
}

int tar_write(const struct workspace *w, const char *arg, int out, struct err *e)
{
	static const char end[2 * TAR_BLOCK_BYTES];
	struct tar_writer t = {.out = out};
	bool truncated;

	(void)arg;
	if (walk(w->dir_fd, count_entry, &t, &truncated, e) < 0) {
		return -1;
	}
	if (truncated) {
		return err_set(e, ERR_TOO_LARGE, "the workspace has more than %d files",
			       WALK_ENTRIES_MAX);
	}
	if (walk(w->dir_fd, write_entry, &t, &truncated, e) < 0) {
		return -1;
	}
	return fs_write_fd(out, end, sizeof(end), e);
}
