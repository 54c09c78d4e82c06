/* tar from a stranger: no path that path_check would refuse, files as long as they said, and the
 * same however the bytes are split. Checksums are made right, or nothing would get past the first
 * block. */

#include "tar_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

struct seen {
	uint64_t sum; /* over everything that was called */
	uint64_t left;
	bool in_file;
};

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void mix(struct seen *s, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		s->sum = (s->sum ^ (unsigned char)bytes[i]) * 1099511628211u;
	}
}

static int on_dir(void *ctx, const char *path, struct err *e)
{
	struct seen *s = ctx;

	must(!s->in_file && path_check(path, strlen(path), e) == 0);
	mix(s, path, strlen(path) + 1);
	return 0;
}

static int on_file(void *ctx, const char *path, mode_t mode, uint64_t size, struct err *e)
{
	struct seen *s = ctx;

	must(!s->in_file && path_check(path, strlen(path), e) == 0);
	must((mode & ~(mode_t)0777) == 0 && size <= TAR_MAX_BYTES);
	mix(s, path, strlen(path) + 1);
	s->in_file = true;
	s->left = size;
	return 0;
}

static int on_data(void *ctx, const char *bytes, size_t len, struct err *e)
{
	struct seen *s = ctx;

	(void)e;
	must(s->in_file && len <= s->left);
	s->left -= len;
	mix(s, bytes, len);
	return 0;
}

static int on_file_end(void *ctx, struct err *e)
{
	struct seen *s = ctx;

	(void)e;
	must(s->in_file && s->left == 0);
	s->in_file = false;
	return 0;
}

static int read_all(const char *in, size_t len, size_t step, struct seen *s)
{
	static const struct tar_sink sink = {on_dir, on_file, on_data, on_file_end};
	struct tar_reader r;
	struct err e;
	int result = 0;

	*s = (struct seen){0};
	tar_reader_init(&r, &sink, s);
	for (size_t at = 0; result == 0 && at < len; at += step) {
		result = tar_reader_feed(&r, in + at, len - at < step ? len - at : step, &e);
	}
	if (result == 0) {
		result = tar_reader_finish(&r, &e);
	}
	tar_reader_fini(&r);
	return result;
}

/* Any block may be a header: give those that look like one their checksum. */
static void mend(char *in, size_t len)
{
	for (size_t at = 0; at + TAR_BLOCK_BYTES <= len; at += TAR_BLOCK_BYTES) {
		char *block = in + at, text[8];
		unsigned sum = 0;

		if (memcmp(block + 257, "ustar", 5) != 0) {
			continue;
		}
		memset(block + 148, ' ', 8);
		for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) {
			sum += (unsigned char)block[i];
		}
		(void)snprintf(text, sizeof(text), "%06o", sum & 0777777);
		memcpy(block + 148, text, 7);
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	struct seen whole, split;
	char *in = malloc(len + 1);
	int result;

	memcpy(in, bytes, len);
	mend(in, len);
	result = read_all(in, len, len ? len : 1, &whole);
	must(read_all(in, len, 7, &split) == result);
	must(result < 0 || whole.sum == split.sum);
	free(in);
	return 0;
}
