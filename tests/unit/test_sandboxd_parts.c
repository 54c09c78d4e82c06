/* The small parts of sandboxd: locks by name, notices, mount table, superblocks, paths, calls. */

#include "unit.h"

#include "sandboxd/calls.c"
#include "sandboxd/disk_image.c"
#include "sandboxd/keylock.c"
#include "sandboxd/loop.c"
#include "sandboxd/mounts.c"
#include "sandboxd/notices.h"

#include <sys/eventfd.h>

/* keylock */

static void test_keylock_is_by_name(void **state)
{
	struct keylock k;
	struct err e;

	(void)state;
	keylock_init(&k);
	assert_ok(keylock_take(&k, "user:a", clock_mono_ms(), &e));
	assert_true(keylock_try(&k, "user:b"));
	assert_false(keylock_try(&k, "user:a"));
	assert_err(keylock_take(&k, "user:a", clock_mono_ms() + 10, &e), ERR_TIMEOUT);
	keylock_release(&k, "user:a");
	assert_true(keylock_try(&k, "user:a"));
	keylock_fini(&k);
}

static void test_keylock_full_is_a_timeout(void **state)
{
	struct keylock k;
	char key[KEYLOCK_KEY_BYTES];
	struct err e;

	(void)state;
	keylock_init(&k);
	for (int i = 0; i < KEYLOCK_HELD_MAX; i++) {
		(void)snprintf(key, sizeof(key), "user:%d", i);
		assert_true(keylock_try(&k, key));
	}
	assert_err(keylock_take(&k, "one more", clock_mono_ms() + 10, &e), ERR_TIMEOUT);
	keylock_fini(&k);
}

struct contest {
	struct keylock k;
	int inside, most, total;
};

static void *contend(void *arg)
{
	struct contest *c = arg;
	struct err e;

	for (int i = 0; i < 500; i++) {
		if (keylock_take(&c->k, "same", clock_mono_ms() + 20000, &e) < 0) {
			return NULL;
		}
		c->inside++;
		c->most = c->inside > c->most ? c->inside : c->most;
		c->total++;
		c->inside--;
		keylock_release(&c->k, "same");
	}
	return NULL;
}

static void test_keylock_lets_one_in(void **state)
{
	struct contest c = {0};
	pthread_t threads[4];

	(void)state;
	keylock_init(&c.k);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, contend, &c), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(c.most, 1);
	assert_int_equal(c.total, 2000);
	keylock_fini(&c.k);
}

/* notices */

static void test_notices(void **state)
{
	static char ids[NOTICES_MAX][UUID_TEXT_BYTES];
	struct notices q;
	char id[UUID_TEXT_BYTES];
	bool everything;
	struct err e;

	(void)state;
	assert_ok(notices_init(&q, &e));
	assert_int_equal(notices_take(&q, ids, &everything), 0);
	assert_false(everything);
	uuid_new(id);
	notices_add(&q, id);
	notices_add(&q, id);
	assert_int_equal(notices_take(&q, ids, &everything), 1);
	assert_string_equal(ids[0], id);
	for (int i = 0; i < NOTICES_MAX + 1; i++) {
		uuid_new(id);
		notices_add(&q, id);
	}
	assert_int_equal(notices_take(&q, ids, &everything), NOTICES_MAX);
	assert_true(everything);
	assert_int_equal(notices_take(&q, ids, &everything), 0);
	assert_false(everything);
	notices_fini(&q);
}

/* mounts */

static bool parse(const char *text, struct mount_entry *m)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "%s", text);
	return parse_line(line, m);
}

static void test_mountinfo_lines(void **state)
{
	struct mount_entry m;

	(void)state;
	assert_true(parse("36 35 7:3 / /run/a\\040b\\134 rw,nosuid shared:1 master:2 - ext4 "
			  "/dev/loop3 rw,discard",
			  &m));
	assert_string_equal(m.target, "/run/a b\\");
	assert_string_equal(m.fstype, "ext4");
	assert_string_equal(m.source, "/dev/loop3");
	assert_true(m.dev == makedev(7, 3));
	assert_true(parse("36 35 0:3 / /x rw - tmpfs none rw", &m));
	assert_string_equal(m.target, "/x");
	assert_false(parse("", &m));
	assert_false(parse("36 35 x / /x rw - tmpfs none rw", &m));
	assert_false(parse("36 35 0:3 / /x rw shared:1 tmpfs none rw", &m));
	assert_false(parse("36 35 0:3 / /x rw -", &m));
}

static void test_unescape_stays_in_bounds(void **state)
{
	char buf[4];

	(void)state;
	unescape("abcdef", buf, sizeof(buf));
	assert_string_equal(buf, "abc");
	unescape("\\04", buf, sizeof(buf));
	assert_string_equal(buf, "\\04");
	unescape("\\999", buf, sizeof(buf));
	assert_string_equal(buf, "\\99");
}

static void test_mounts_at(void **state)
{
	struct mount_entry m;
	struct err e;
	size_t n;

	(void)state;
	assert_ok(mounts_at("/proc", &n, &m, &e));
	assert_true(n >= 1);
	assert_string_equal(m.fstype, "proc");
	assert_ok(mounts_at("/no/such/mount", &n, &m, &e));
	assert_int_equal(n, 0);
	assert_ok(mounts_unmount("/no/such/mount", clock_mono_ms(), &e));
}

/* loop devices and superblocks */

static void test_kernel_dev(void **state)
{
	(void)state;
	assert_int_equal(kernel_dev(makedev(8, 1)), 0x801);
	assert_int_equal(kernel_dev(makedev(259, 0x345)), 0x345 % 256 + 259 * 256 + 0x300000);
}

static int image_with(uint16_t magic, uint16_t fs_state, uint32_t incompat)
{
	unsigned char bytes[SB_AT + SB_BYTES] = {0};
	FILE *f = tmpfile();

	assert_non_null(f);
	memcpy(bytes + SB_AT + SB_MAGIC, &magic, sizeof(magic));
	memcpy(bytes + SB_AT + SB_STATE, &fs_state, sizeof(fs_state));
	memcpy(bytes + SB_AT + SB_INCOMPAT, &incompat, sizeof(incompat));
	assert_int_equal(pwrite(fileno(f), bytes, sizeof(bytes), 0), sizeof(bytes));
	return fileno(f);
}

static void test_superblock_condition(void **state)
{
	enum disk_condition c;
	struct err e;

	(void)state;
	assert_ok(disk_image_condition(image_with(0xef53, 1, 0x42), &c, &e));
	assert_int_equal(c, DISK_CLEAN);
	assert_ok(disk_image_condition(image_with(0xef53, 1, 0x46), &c, &e));
	assert_int_equal(c, DISK_DIRTY);
	assert_ok(disk_image_condition(image_with(0xef53, 0, 0x42), &c, &e));
	assert_int_equal(c, DISK_DIRTY);
	assert_ok(disk_image_condition(image_with(0xef53, 3, 0x42), &c, &e));
	assert_int_equal(c, DISK_DAMAGED);
	assert_err(disk_image_condition(image_with(0, 1, 0x42), &c, &e), ERR_CONFLICT);
	assert_err(disk_image_condition(fileno(tmpfile()), &c, &e), ERR_CONFLICT);
}

static void test_copies_leave_holes(void **state)
{
	FILE *from = tmpfile(), *to = tmpfile();
	char buf[4];
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(ftruncate(fileno(from), 64 << 20), 0);
	assert_int_equal(pwrite(fileno(from), "head", 4, 0), 4);
	assert_int_equal(pwrite(fileno(from), "tail", 4, (64 << 20) - 4), 4);
	assert_ok(copy_sparse(fileno(from), fileno(to), &e));
	assert_int_equal(fstat(fileno(to), &st), 0);
	assert_int_equal(st.st_size, 64 << 20);
	assert_true(st.st_blocks * 512 < 1 << 20);
	assert_int_equal(pread(fileno(to), buf, 4, (64 << 20) - 4), 4);
	assert_memory_equal(buf, "tail", 4);
	(void)fclose(from);
	(void)fclose(to);
}

/* calls */

#define AN_ID "12345678-1234-4234-8234-123456789abc"

static bool path_matches(const char *path, const char *before, const char *after, bool has_id)
{
	struct http_slice s = {path, strlen(path)};
	char id[UUID_TEXT_BYTES];

	return matches(s, before, after, has_id, id);
}

static void test_paths_of_calls(void **state)
{
	(void)state;
	assert_true(path_matches("/v1/sandboxes/" AN_ID "/stop", "/v1/sandboxes/", "/stop", true));
	assert_true(path_matches("/v1/sandboxes/" AN_ID, "/v1/sandboxes/", "", true));
	assert_true(path_matches("/v1/health", "/v1/health", "", false));
	assert_false(path_matches("/v1/health/", "/v1/health", "", false));
	assert_false(path_matches("/v1/sandboxes/" AN_ID "/", "/v1/sandboxes/", "", true));
	assert_false(path_matches("/v1/sandboxes/../../etc/passwd............../stop",
				  "/v1/sandboxes/", "/stop", true));
	assert_false(path_matches("/v1/sandboxes/", "/v1/sandboxes/", "", true));
	assert_false(path_matches("", "/v1/sandboxes/", "", true));
}

static int parse_text(const char *text, struct ensure_request *ret, struct err *e)
{
	auto_json *body = NULL;

	assert_int_equal(json_parse(text, strlen(text), 4096, &body, e), 0);
	return parse_ensure(body, ret, e);
}

static void test_ensure_bodies(void **state)
{
	struct ensure_request r;
	struct err e;

	(void)state;
	assert_ok(parse_text(
		"{\"user_id\":\"" AN_ID "\",\"project_id\":null,\"profile\":\"script\"}", &r, &e));
	assert_null(r.project_id);
	assert_ok(parse_text("{\"user_id\":\"" AN_ID "\",\"project_id\":\"" AN_ID
			     "\",\"profile\":\"script\"}",
			     &r, &e));
	assert_err(parse_text("{\"user_id\":\"" AN_ID "\",\"profile\":\"app; rm\"}", &r, &e),
		   ERR_INVALID);
	assert_err(parse_text("{\"user_id\":\"" AN_ID "\"}", &r, &e), ERR_INVALID);
	assert_err(parse_text("{\"user_id\":\"zzzzzzzz-1234-4234-8234-123456789abc\",\"profile\":"
			      "\"script\"}",
			      &r, &e),
		   ERR_INVALID);
	assert_err(parse_text("{\"user_id\":7,\"profile\":\"script\"}", &r, &e), ERR_INVALID);
}

static void test_every_kind_has_a_status(void **state)
{
	(void)state;
	for (int kind = ERR_INTERNAL; kind <= ERR_NO_SPACE; kind++) {
		assert_in_range(calls_status_of((enum err_kind)kind), 400, 599);
	}
	assert_int_equal(calls_status_of(ERR_UNAVAILABLE), 503);
	assert_int_equal(calls_status_of(ERR_NO_SPACE), 507);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keylock_is_by_name),
		cmocka_unit_test(test_keylock_full_is_a_timeout),
		cmocka_unit_test(test_keylock_lets_one_in),
		cmocka_unit_test(test_notices),
		cmocka_unit_test(test_mountinfo_lines),
		cmocka_unit_test(test_unescape_stays_in_bounds),
		cmocka_unit_test(test_mounts_at),
		cmocka_unit_test(test_kernel_dev),
		cmocka_unit_test(test_superblock_condition),
		cmocka_unit_test(test_copies_leave_holes),
		cmocka_unit_test(test_paths_of_calls),
		cmocka_unit_test(test_ensure_bodies),
		cmocka_unit_test(test_every_kind_has_a_status),
	};

	return cmocka_run_group_tests_name("sandboxd's parts", tests, NULL, NULL);
}
