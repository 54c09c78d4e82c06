#include "plan_stamp.h"

#include "cleanup.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOCKFILE_MAX_BYTES (32 * 1024 * 1024)
#define PROGRAM		   "/usr/local/bin/node"

/* Native packages are made for one version. The program's size and time stand for it: asking it
 * takes 40 ms. */
static void add_node(struct sha256_ctx *hash)
{
	char text[96] = "";
	struct stat st;

	if (stat(PROGRAM, &st) == 0) {
		(void)snprintf(text, sizeof(text), "node %lld %lld.%09ld\n", (long long)st.st_size,
			       (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	}
	sha256_update(hash, strlen(text), (const uint8_t *)text);
}

/* Looks for a line that begins with "__metadata:", near the start of every lockfile of Yarn 2 on.
 */
static bool begins_like_berry(const char *bytes, size_t len)
{
	static const char mark[] = "\n__metadata:";

	return memmem(bytes, len, mark, sizeof(mark) - 1) != NULL;
}

static int add_file(struct sha256_ctx *hash, const struct workspace *w, const char *path,
		    bool *ret_berry, struct err *e)
{
	char buf[16 * 1024];
	auto_close int fd = -1;
	uint64_t size;
	bool first = true;
	ssize_t n;

	if (workspace_open_file(w, path, &fd, &size, e) < 0) {
		return err_prefix(e, "%s", path);
	}
	if (size > LOCKFILE_MAX_BYTES) {
		return err_set(e, ERR_INVALID, "%s is larger than 32 MiB", path);
	}
	sha256_update(hash, strlen(path) + 1, (const uint8_t *)path);
	for (uint64_t left = size; left > 0; left -= (uint64_t)n) {
		n = read(fd, buf, left < sizeof(buf) ? left : sizeof(buf));
		if (n <= 0) {
			return n == 0 ? 0 : err_errno(e, ERR_INTERNAL, "cannot read %s", path);
		}
		sha256_update(hash, (size_t)n, (const uint8_t *)buf);
		*ret_berry = *ret_berry || (first && begins_like_berry(buf, (size_t)n));
		first = false;
	}
	return 0;
}

/* 128 bits of it. */
static void print_half(struct sha256_ctx *hash, char *ret_hex)
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(hash, sizeof(digest), digest);
	for (size_t i = 0; i < PLAN_STAMP_MANIFEST_BYTES / 2; i++) {
		(void)snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
	}
}

int plan_stamp_make(const struct workspace *w, const char *lockfile, const char *manager,
		    char ret_hex[PLAN_STAMP_BYTES], bool *ret_berry, struct err *e)
{
	struct sha256_ctx manifest, lock;
	bool ignored = false;

	sha256_init(&manifest);
	sha256_init(&lock);
	add_node(&manifest);
	sha256_update(&manifest, strlen(manager) + 1, (const uint8_t *)manager);
	if (add_file(&manifest, w, "package.json", &ignored, e) < 0 ||
	    (lockfile && add_file(&lock, w, lockfile, ret_berry, e) < 0)) {
		return -1;
	}
	print_half(&manifest, ret_hex);
	print_half(&lock, ret_hex + PLAN_STAMP_MANIFEST_BYTES);
	return 0;
}
