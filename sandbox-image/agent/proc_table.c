#include "proc_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More processes than this in a sandbox means its PID limit is missing. */
#define PROCESSES_MAX (64 * 1024)

void proc_table_fini(struct proc_table *t)
{
	free(t->entries);
	*t = (struct proc_table){0};
}

bool proc_stat_parse(const char *text, struct proc_entry *ret)
{
	/* The command name may hold anything, blanks and parentheses included. */
	const char *after = strrchr(text, ')');
	struct proc_entry p = {0};

	if (sscanf(text, "%d", &p.pid) != 1 || !after ||
	    sscanf(after + 1,
		   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d %llu",
		   &p.state, &p.ppid, &p.threads, &p.start) != 4) {
		return false;
	}
	*ret = p;
	return true;
}

bool proc_stat_read(pid_t pid, struct proc_entry *ret)
{
	char path[32], text[1024];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0) {
		return false;
	}
	text[n] = '\0';
	return proc_stat_parse(text, ret);
}

static int add(struct proc_table *t, const struct proc_entry *p, struct err *e)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 128;
		struct proc_entry *grown;

		if (cap > PROCESSES_MAX) {
			return err_set(e, ERR_INTERNAL, "more than %d processes", PROCESSES_MAX);
		}
		grown = realloc(t->entries, cap * sizeof(*grown));
		if (!grown) {
			return err_set(e, ERR_INTERNAL, "out of memory");
		}
		t->entries = grown;
		t->cap = cap;
	}
	t->entries[t->n++] = *p;
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct proc_entry *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static struct proc_entry *find(const struct proc_table *t, pid_t pid)
{
	const struct proc_entry key = {.pid = pid};

	return bsearch(&key, t->entries, t->n, sizeof(key), by_pid);
}

static bool is_excepted(pid_t pid, const pid_t *except, size_t n_except)
{
	for (size_t i = 0; i < n_except; i++) {
		if (except[i] == pid) {
			return true;
		}
	}
	return false;
}

/*
 * Walks from `p` up to `root`. The reading is not atomic: a parent that is younger than its child
 * is a recycled pid, and the chain is not believed (the next reading will have the true parent).
 */
static bool descends(const struct proc_table *t, const struct proc_entry *p, pid_t root,
		     const pid_t *except, size_t n_except)
{
	for (size_t steps = 0; steps <= t->n; steps++) {
		const struct proc_entry *parent;

		if (is_excepted(p->pid, except, n_except)) {
			return false;
		}
		if (p->ppid == root) {
			return true;
		}
		parent = find(t, p->ppid);
		if (!parent || parent->start > p->start) {
			return false;
		}
		p = parent;
	}
	return false;
}

int proc_table_read(struct proc_table *t, pid_t root, const pid_t *except, size_t n_except,
		    struct err *e)
{
	DIR *dir = opendir("/proc");
	const struct dirent *d;
	int result = 0;

	if (!dir) {
		return err_errno(e, ERR_INTERNAL, "cannot read /proc");
	}
	t->n = 0;
	while (result == 0 && (d = readdir(dir)) != NULL) {
		struct proc_entry p;

		if (d->d_name[0] >= '1' && d->d_name[0] <= '9' &&
		    proc_stat_read((pid_t)atoi(d->d_name), &p)) {
			result = add(t, &p, e);
		}
	}
	closedir(dir);
	if (result < 0) {
		return -1;
	}
	if (t->n > 0) {
		qsort(t->entries, t->n, sizeof(*t->entries), by_pid);
	}
	for (size_t i = 0; i < t->n; i++) {
		struct proc_entry *p = &t->entries[i];

		p->descendant = p->pid != root && descends(t, p, root, except, n_except);
	}
	return 0;
}
