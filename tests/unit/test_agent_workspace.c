/* How files come into the workspace. */

#include "cleanup.h"
#include "unit.h"
#include "workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char dir[64];
	struct workspace w;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct err e;

	strcpy(p->dir, "/tmp/slipway-workspace-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	assert_ok(workspace_open(&p->w, p->dir, geteuid(), &e));
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[96];

	close(p->w.dir_fd);
	snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static void put(const struct place *p, const char *path, const char *text)
{
	struct err e;

	assert_ok(workspace_put(&p->w, path, 0644, text, strlen(text), &e));
}

static struct stat look(const struct place *p, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(p->w.dir_fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void assert_text(const struct place *p, const char *path, const char *expected)
{
	char text[64] = "";
	auto_close int fd = openat(p->w.dir_fd, path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), strlen(expected));
	assert_string_equal(text, expected);
}

/* Found with `node --watch`: after the first replaced file it saw no change any more. */
static void a_file_that_is_watched_stays_the_same_file(void **state)
{
	const struct place *p = *state;
	struct err e;
	ino_t first;

	put(p, "src/a.js", "one");
	first = look(p, "src/a.js").st_ino;
	put(p, "src/a.js", "a longer two");
	put(p, "src/a.js", "3");
	assert_text(p, "src/a.js", "3");
	assert_int_equal(look(p, "src/a.js").st_ino, first);
	assert_ok(workspace_put(&p->w, "src/a.js", 0755, "", 0, &e));
	assert_text(p, "src/a.js", "");
	assert_int_equal(look(p, "src/a.js").st_ino, first);
	assert_int_equal(look(p, "src/a.js").st_mode & 07777, 0755);
}

static void another_name_of_a_file_keeps_its_content(void **state)
{
	const struct place *p = *state;

	put(p, "a", "shared");
	assert_int_equal(linkat(p->w.dir_fd, "a", p->w.dir_fd, "b", 0), 0);
	put(p, "a", "mine");
	assert_text(p, "a", "mine");
	assert_text(p, "b", "shared");
}

static void a_link_is_replaced_not_followed(void **state)
{
	const struct place *p = *state;

	put(p, "target", "untouched");
	assert_int_equal(symlinkat("target", p->w.dir_fd, "link"), 0);
	put(p, "link", "a file");
	assert_text(p, "target", "untouched");
	assert_text(p, "link", "a file");
	assert_true(S_ISREG(look(p, "link").st_mode));
}

static void a_pipe_is_replaced_without_waiting(void **state)
{
	const struct place *p = *state;

	assert_int_equal(mkfifoat(p->w.dir_fd, "pipe", 0600), 0);
	put(p, "pipe", "a file");
	assert_text(p, "pipe", "a file");
}

static void a_large_file_is_replaced_whole(void **state)
{
	const struct place *p = *state;
	size_t len = 1024 * 1024 + 1;
	auto_free char *bytes = calloc(1, len);
	struct err e;
	ino_t first;

	put(p, "a", "small");
	first = look(p, "a").st_ino;
	assert_ok(workspace_put(&p->w, "a", 0644, bytes, len, &e));
	assert_int_equal(look(p, "a").st_size, len);
	assert_int_not_equal(look(p, "a").st_ino, first);
	put(p, "a", "small again");
	assert_text(p, "a", "small again");
}

static void nothing_is_left_beside(void **state)
{
	const struct place *p = *state;
	char command[128];

	put(p, "a", "one");
	put(p, "a", "two");
	snprintf(command, sizeof(command), "test \"$(ls -A %s)\" = a", p->dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_that_is_watched_stays_the_same_file, setup,
						teardown),
		cmocka_unit_test_setup_teardown(another_name_of_a_file_keeps_its_content, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_link_is_replaced_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pipe_is_replaced_without_waiting, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_large_file_is_replaced_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_left_beside, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
