/* fs, proc, unix_sock, config: the parts that touch the system, on the real one. */

#include "cleanup.h"
#include "clock.h"
#include "config.h"
#include "fs.h"
#include "proc.h"
#include "token.h"
#include "unit.h"
#include "unix_sock.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char dir[64];
static int dir_fd;

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/slipway-unit-XXXXXX");
	if (!mkdtemp(dir)) {
		return -1;
	}
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

static int drop_dir(void **state)
{
	const char *const argv[] = {"rm", "-rf", dir, NULL};
	const struct proc_opts o = {.argv = argv, .timeout_ms = 10000};
	struct err e;

	(void)state;
	close(dir_fd);
	return proc_run(&o, &e);
}

static void in_dir(char *buf, size_t cap, const char *name)
{
	(void)snprintf(buf, cap, "%s/%s", dir, name);
}

static void files_are_written_whole_or_not(void **state)
{
	struct strbuf b;
	char path[100];
	struct err e;

	(void)state;
	in_dir(path, sizeof(path), "atomic");
	assert_ok(fs_write_atomic(path, "hello", 5, 0600, &e));
	strbuf_init(&b, 5);
	assert_ok(fs_read(path, &b, &e));
	assert_string_equal(b.data, "hello");
	strbuf_fini(&b);
	strbuf_init(&b, 4);
	assert_err(fs_read(path, &b, &e), ERR_TOO_LARGE);
	strbuf_fini(&b);
	in_dir(path, sizeof(path), "missing");
	assert_err(fs_read(path, &b, &e), ERR_NOT_FOUND);
}

static void links_that_leave_are_refused(void **state)
{
	char path[100];
	struct err e;
	int fd = -1;

	(void)state;
	in_dir(path, sizeof(path), "out");
	assert_int_equal(symlink("/etc", path), 0);
	in_dir(path, sizeof(path), "up");
	assert_int_equal(symlink("../..", path), 0);
	assert_err(fs_open_beneath(dir_fd, "out/passwd", O_RDONLY, 0, &fd, &e), ERR_INVALID);
	assert_err(fs_open_beneath(dir_fd, "up/etc/passwd", O_RDONLY, 0, &fd, &e), ERR_INVALID);
	assert_err(fs_open_beneath(dir_fd, "../x", O_RDONLY, 0, &fd, &e), ERR_INVALID);
	assert_err(fs_open_beneath(dir_fd, "/etc/passwd", O_RDONLY, 0, &fd, &e), ERR_INVALID);
	assert_err(fs_mkdirs_beneath(dir_fd, "out/made", 0755, &e), ERR_INVALID);
	assert_err(fs_open_beneath(dir_fd, "none", O_RDONLY, 0, &fd, &e), ERR_NOT_FOUND);
	assert_ok(fs_mkdirs_beneath(dir_fd, "a/b/c", 0755, &e));
	assert_ok(fs_mkdirs_beneath(dir_fd, "a/b/c", 0755, &e));
	assert_ok(fs_open_beneath(dir_fd, "a/b/c/f", O_WRONLY | O_CREAT, 0644, &fd, &e));
	close(fd);
}

static void commands_run_and_report(void **state)
{
	const char *const cat[] = {"cat", NULL};
	const char *const fail[] = {"sh", "-c", "echo first; echo 'last words' >&2; exit 3", NULL};
	const char *const none[] = {"/no/such/program", NULL};
	struct strbuf out;
	struct err e;
	struct proc_opts o = {.argv = cat,
			      .stdin_bytes = "through",
			      .stdin_len = 7,
			      .timeout_ms = 5000,
			      .output = &out};

	(void)state;
	strbuf_init(&out, 100);
	assert_ok(proc_run(&o, &e));
	assert_string_equal(out.data, "through");
	o = (struct proc_opts){.argv = fail, .timeout_ms = 5000};
	assert_err(proc_run(&o, &e), ERR_INTERNAL);
	assert_string_equal(e.text, "sh ended with status 3: last words");
	o.argv = none;
	assert_err(proc_run(&o, &e), ERR_INTERNAL);
	assert_non_null(strstr(e.text, "not found"));
	strbuf_fini(&out);
}

static void commands_end_at_their_deadline(void **state)
{
	const char *const slow[] = {"sh", "-c", "trap '' TERM; sleep 60 & wait", NULL};
	const struct proc_opts o = {.argv = slow, .timeout_ms = 100};
	int64_t start = clock_mono_ms();
	struct err e;

	(void)state;
	assert_err(proc_run(&o, &e), ERR_TIMEOUT);
	assert_true(clock_mono_ms() - start < 5000);
}

/* What a command leaves in the background holds its pipe; the command has ended all the same. */
static void background_children_do_not_hold_it(void **state)
{
	const char *const leaves[] = {"sh", "-c", "sleep 60 & echo $!", NULL};
	struct strbuf out;
	struct err e;
	const struct proc_opts o = {.argv = leaves, .timeout_ms = 20000, .output = &out};
	int64_t start = clock_mono_ms();

	(void)state;
	strbuf_init(&out, 100);
	assert_ok(proc_run(&o, &e));
	assert_true(clock_mono_ms() - start < 10000);
	kill((pid_t)strtol(out.data, NULL, 10), SIGKILL);
	strbuf_fini(&out);
}

static void sockets_know_their_peer(void **state)
{
	char path[100], longest[200];
	int listener, client, server;
	struct err e;
	uid_t uid;
	pid_t pid;

	(void)state;
	in_dir(path, sizeof(path), "s.sock");
	assert_err(unix_connect(path, clock_mono_ms() + 100, &client, &e), ERR_UNAVAILABLE);
	assert_ok(unix_listen(path, 0600, 4, &listener, &e));
	assert_ok(unix_connect(path, clock_mono_ms() + 1000, &client, &e));
	server = accept(listener, NULL, NULL);
	assert_ok(unix_peer(server, &uid, &pid, &e));
	assert_int_equal(uid, getuid());
	assert_int_equal(pid, getpid());
	close(client);
	close(server);
	close(listener);
	assert_ok(unix_listen(path, 0600, 4, &listener, &e)); /* a stale file is replaced */
	close(listener);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_err(unix_connect(longest, 0, &client, &e), ERR_INVALID);
}

static int load(const char *text, struct config **ret, struct err *e)
{
	char path[100];

	in_dir(path, sizeof(path), "env");
	if (fs_write_atomic(path, text, strlen(text), 0600, e) < 0) {
		return -1;
	}
	return config_load(path, ret, e);
}

static void configuration_is_checked(void **state)
{
	struct config *c;
	struct err e;

	(void)state;
	assert_ok(load("# words\n\nSLIPWAY_PORT = 9090\nSLIPWAY_BIND=\"0.0.0.0\"\nPATH_X=1\n"
		       "SLIPWAY_MODEL='a b'\n",
		       &c, &e));
	assert_int_equal(config_int(c, CFG_PORT), 9090);
	assert_string_equal(config_str(c, CFG_BIND), "0.0.0.0");
	assert_string_equal(config_str(c, CFG_MODEL), "a b");
	assert_int_equal(config_int(c, CFG_SCRIPT_PIDS), 64);
	config_destroy(c);
	setenv("SLIPWAY_PORT", "7070", 1);
	assert_ok(load("SLIPWAY_PORT=9090\n", &c, &e));
	assert_int_equal(config_int(c, CFG_PORT), 7070);
	config_destroy(c);
	unsetenv("SLIPWAY_PORT");
	assert_err(load("SLIPWAY_PORT=0\n", &c, &e), ERR_INVALID);
	assert_err(load("SLIPWAY_PORT=80x\n", &c, &e), ERR_INVALID);
	assert_err(load("SLIPWAY_PROT=80\n", &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "line 1: unknown key SLIPWAY_PROT"));
	assert_err(load("\njust words\n", &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "line 2"));
	assert_err(load("SLIPWAY_STOP_SANDBOXES=2\n", &c, &e), ERR_INVALID);
}

/* A default that its own range refuses would make every start fail. */
static void every_default_is_in_its_range(void **state)
{
	struct config *c;
	struct err e;

	(void)state;
	assert_ok(config_load(NULL, &c, &e));
	for (int i = 0; i < CFG_COUNT; i++) {
		assert_non_null(config_table[i].name);
		assert_true(strlen(config_table[i].doc) > 0);
	}
	config_destroy(c);
}

static void tokens_are_random_and_hashed(void **state)
{
	char a[64], b[64], ha[TOKEN_HASH_HEX], hb[TOKEN_HASH_HEX], sha[65], id[UUID_TEXT_BYTES];
	struct err e;

	(void)state;
	assert_ok(token_global_init(&e));
	token_new("slw_", a, sizeof(a));
	token_new("slw_", b, sizeof(b));
	assert_int_equal(strlen(a), 4 + TOKEN_TEXT_BYTES);
	assert_string_not_equal(a, b);
	token_hash(a, ha);
	token_hash(b, hb);
	assert_string_not_equal(ha, hb);
	sha256_hex("abc", 3, sha);
	assert_string_equal(sha,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	uuid_new(id);
	assert_true(uuid_valid(id));
	assert_false(uuid_valid("not-a-uuid"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_written_whole_or_not),
		cmocka_unit_test(links_that_leave_are_refused),
		cmocka_unit_test(commands_run_and_report),
		cmocka_unit_test(commands_end_at_their_deadline),
		cmocka_unit_test(background_children_do_not_hold_it),
		cmocka_unit_test(sockets_know_their_peer),
		cmocka_unit_test(configuration_is_checked),
		cmocka_unit_test(every_default_is_in_its_range),
		cmocka_unit_test(tokens_are_random_and_hashed),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
