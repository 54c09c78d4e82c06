#include "mounts.h"

#include "clock.h"
#include "fs.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#define TABLE_MAX_BYTES (16 * 1024 * 1024)
#define BUSY_RETRY_MS	20

/* Undoes the octal escapes of space, tab, newline and backslash. */
static void unescape(const char *s, char *buf, size_t cap)
{
	size_t n = 0;

	for (; *s != '\0' && n + 1 < cap; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			buf[n++] = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			buf[n++] = *s;
		}
	}
	buf[n] = '\0';
}

/* "36 35 98:0 /root /target opts shared:1 - fstype source superopts" */
static bool parse_line(char *line, struct mount_entry *ret)
{
	unsigned int major, minor;
	char *save = NULL, *word;
	int field = 0;

	for (word = strtok_r(line, " ", &save); word && field < 5;
	     word = strtok_r(NULL, " ", &save), field++) {
		if (field == 2) {
			if (sscanf(word, "%u:%u", &major, &minor) != 2) {
				return false;
			}
			ret->dev = makedev(major, minor);
		}
		if (field == 4) {
			unescape(word, ret->target, sizeof(ret->target));
		}
	}
	while (word && strcmp(word, "-") != 0) {
		word = strtok_r(NULL, " ", &save);
	}
	word = word ? strtok_r(NULL, " ", &save) : NULL;
	if (!word) {
		return false;
	}
	(void)snprintf(ret->fstype, sizeof(ret->fstype), "%s", word);
	word = strtok_r(NULL, " ", &save);
	unescape(word ? word : "", ret->source, sizeof(ret->source));
	return true;
}

int mounts_each(mount_fn *fn, void *ctx, struct err *e)
{
	struct mount_entry m;
	char *save = NULL;
	auto_strbuf table;

	strbuf_init(&table, TABLE_MAX_BYTES);
	if (fs_read("/proc/self/mountinfo", &table, e) < 0) {
		return -1;
	}
	for (char *line = strtok_r(table.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (parse_line(line, &m) && fn(ctx, &m, e) < 0) {
			return -1;
		}
	}
	return 0;
}

struct at {
	const char *target;
	size_t count;
	struct mount_entry *top;
};

static int match_target(void *ctx, const struct mount_entry *m, struct err *e)
{
	struct at *at = ctx;

	(void)e;
	if (strcmp(m->target, at->target) == 0) {
		at->count++;
		*at->top = *m;
	}
	return 0;
}

int mounts_at(const char *target, size_t *ret_count, struct mount_entry *ret_top, struct err *e)
{
	struct at at = {.target = target, .top = ret_top};

	if (mounts_each(match_target, &at, e) < 0) {
		return -1;
	}
	*ret_count = at.count;
	return 0;
}

/* One of the mounts on the path. Returns 1 when there was none. */
static int unmount_one(const char *target, int64_t deadline_ms, struct err *e)
{
	while (umount2(target, UMOUNT_NOFOLLOW) < 0) {
		if (errno == EINVAL || errno == ENOENT) {
			return 1;
		}
		if (errno != EBUSY) {
			return err_errno(e, ERR_INTERNAL, "cannot unmount %s", target);
		}
		if (clock_mono_ms() >= deadline_ms) {
			if (umount2(target, UMOUNT_NOFOLLOW | MNT_DETACH) < 0) {
				return err_errno(e, ERR_INTERNAL, "cannot detach %s", target);
			}
			break;
		}
		/* The kernel tells nobody when a mount stops being busy. */
		(void)poll(NULL, 0, BUSY_RETRY_MS);
	}
	return 0;
}

int mounts_unmount(const char *target, int64_t deadline_ms, struct err *e)
{
	int rc;

	do {
		rc = unmount_one(target, deadline_ms, e);
	} while (rc == 0);
	return rc < 0 ? -1 : 0;
}
