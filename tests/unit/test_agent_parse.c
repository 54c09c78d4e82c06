/* What the agent parses: run requests, targets, settings, listening sockets, cgroup counters. */

#include "code_env.h"
#include "fs.h"
#include "listeners.h"
#include "oom.h"
#include "run_request.h"
#include "settings.h"
#include "target.h"
#include "unit.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>

static void a_run_request_gets_defaults(void **state)
{
	static const char text[] = "{\"id\":\"r-1\",\"argv\":[\"node\",\"a.js\"]}";
	static const struct settings s = {.home = "/workspace"};
	json_t *base = code_env_make(&s);
	struct run_request *rq;
	struct err e;

	(void)state;
	assert_ok(run_request_parse(text, strlen(text), base, &rq, &e));
	assert_string_equal(rq->id, "r-1");
	assert_string_equal(rq->argv[0], "node");
	assert_string_equal(rq->argv[1], "a.js");
	assert_null(rq->argv[2]);
	assert_string_equal(rq->cwd, "");
	assert_string_equal(rq->envp[0], "PATH=/usr/local/bin:/usr/bin:/bin");
	assert_string_equal(rq->envp[1], "HOME=/workspace");
	assert_string_equal(rq->envp[2], "LANG=C.UTF-8");
	assert_null(rq->envp[3]);
	assert_int_equal(rq->timeout_ms, 10000);
	assert_int_equal(rq->output_max_bytes, 1024 * 1024);
	assert_int_equal(rq->n_writes, 0);
	assert_int_equal(rq->stdin_len, 0);
	assert_false(rq->probe_listen);
	run_request_destroy(rq);
	json_decref(base);
}

static void a_run_request_is_read_whole(void **state)
{
	static const char text[] =
		"{\"id\":\"x\",\"argv\":[\"a\"],\"cwd\":\"d/e\",\"env\":{\"PATH\":\"/"
		"p\",\"A\":\"\"},"
		"\"write\":[{\"path\":\"d/f\",\"content\":\"h\\u00e9\\n\"}],\"stdin\":\"in\","
		"\"timeout_ms\":5,\"output_max_bytes\":0,\"probe_listen\":true}";
	static const struct settings s = {.home = "/workspace"};
	json_t *base = code_env_make(&s);
	struct run_request *rq;
	struct err e;

	(void)state;
	assert_ok(run_request_parse(text, strlen(text), base, &rq, &e));
	assert_string_equal(rq->cwd, "d/e");
	assert_string_equal(rq->envp[0], "HOME=/workspace");
	assert_string_equal(rq->envp[2], "PATH=/p");
	assert_string_equal(rq->envp[3], "A=");
	assert_string_equal(rq->writes[0].path, "d/f");
	assert_int_equal(rq->writes[0].content_len, 4);
	assert_int_equal(rq->stdin_len, 2);
	assert_int_equal(rq->timeout_ms, 5);
	assert_int_equal(rq->output_max_bytes, 0);
	assert_true(rq->probe_listen);
	run_request_destroy(rq);
	json_decref(base);
}

static void bad_run_requests_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"id\":\"\",\"argv\":[\"a\"]}",
		"{\"id\":\"a/b\",\"argv\":[\"a\"]}",
		"{\"id\":1,\"argv\":[\"a\"]}",
		"{\"id\":\"x\",\"argv\":\"a\"}",
		"{\"id\":\"x\",\"argv\":[]}",
		"{\"id\":\"x\",\"argv\":[\"\"]}",
		"{\"id\":\"x\",\"argv\":[\"a\",null]}",
		"{\"id\":\"x\",\"argv\":[\"a\\u0000b\"]}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"cwd\":\"..\"}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"cwd\":\"/etc\"}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"env\":[]}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"env\":{\"\":\"v\"}}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"env\":{\"A\":1}}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"env\":{\"A=B\":\"v\"}}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"write\":[1]}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"write\":[{\"path\":\"a\"}]}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"write\":[{\"path\":\"../a\",\"content\":\"\"}]}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"timeout_ms\":0}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"timeout_ms\":1e3}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"output_max_bytes\":-1}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"probe_listen\":1}",
		"{\"id\":\"x\",\"argv\":[\"a\"],\"surprise\":1}",
	};
	struct run_request *rq;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		print_message("# %s\n", bad[i]);
		assert_err(run_request_parse(bad[i], strlen(bad[i]), NULL, &rq, &e), ERR_INVALID);
	}
}

static int split(const char *target, char *path, char *query, struct err *e)
{
	return target_split(target, strlen(target), path, query, 64, e);
}

static void targets_are_decoded_once(void **state)
{
	char path[64], query[64];
	struct err e;

	(void)state;
	assert_ok(split("/v1/files/a%20b%252f?mode=0755", path, query, &e));
	assert_string_equal(path, "/v1/files/a b%2f");
	assert_string_equal(query, "mode=0755");
	assert_ok(split("/%C3%BC?a?b", path, query, &e));
	assert_string_equal(path, "/\xC3\xBC");
	assert_string_equal(query, "a?b");
	assert_err(split("", path, query, &e), ERR_INVALID);
	assert_err(split("*", path, query, &e), ERR_INVALID);
	assert_err(split("http://a/", path, query, &e), ERR_INVALID);
	assert_err(split("/%", path, query, &e), ERR_INVALID);
	assert_err(split("/%4", path, query, &e), ERR_INVALID);
	assert_err(split("/%zz", path, query, &e), ERR_INVALID);
	assert_err(split("/%00", path, query, &e), ERR_INVALID);
	assert_err(split("/0123456789012345678901234567890123456789012345678901234567890123", path,
			 query, &e),
		   ERR_INVALID);
}

static void modes_are_octal(void **state)
{
	mode_t mode = 0123;
	struct err e;

	(void)state;
	assert_ok(target_mode("", &mode, &e));
	assert_int_equal(mode, 0123);
	assert_ok(target_mode("mode=0755", &mode, &e));
	assert_int_equal(mode, 0755);
	assert_ok(target_mode("mode=600", &mode, &e));
	assert_int_equal(mode, 0600);
	assert_err(target_mode("mode=4755", &mode, &e), ERR_INVALID);
	assert_err(target_mode("mode=08", &mode, &e), ERR_INVALID);
	assert_err(target_mode("mode=", &mode, &e), ERR_INVALID);
	assert_err(target_mode("mode=07555", &mode, &e), ERR_INVALID);
	assert_err(target_mode("mode", &mode, &e), ERR_INVALID);
	assert_err(target_mode("other=1", &mode, &e), ERR_INVALID);
}

static void listening_sockets_are_read_from_proc(void **state)
{
	static const char v4[] = "  sl  local_address rem_address   st tx_queue rx_queue tr "
				 "tm->when retrnsmt   uid  "
				 "timeout inode\n"
				 "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 "
				 "00:00000000 00000000  1000     "
				 "   0 777 1 0 100 0 0 10 0\n"
				 "   1: 0100007F:1F91 0100007F:C001 01 00000000:00000000 "
				 "00:00000000 00000000  1000     "
				 "   0 778 1 0 100 0 0 10 0\n"
				 "   2: 00000000:0050 00000000:0000 0A 00000000:00000000 "
				 "00:00000000 00000000     0     "
				 "   0 779 1 0 100 0 0 10 0\n"
				 "   3: 00000000:0051 00000000:0000 0A 00000000:00000000 00:0000";
	static const char v6[] =
		"  sl  local_address                         remote_address\n"
		"   0: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 "
		"0A "
		"00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0\n"
		"   1: 0000:0BB8 0000:0000 0A 00000000:00000000 00:00000000 00000000  1000        "
		"0 1\n"
		"   2: zz000000000000000000000001000000:0BB8 0:0 0A 0:0 0:0 0 1 0 1 1\n";
	struct listener l[8];
	const struct sockaddr_in *v4_at = (const struct sockaddr_in *)&l[0].at;
	const struct sockaddr_in6 *v6_at = (const struct sockaddr_in6 *)&l[0].at;

	(void)state;
	assert_int_equal(listeners_parse(v4, false, l, 8), 2);
	assert_int_equal(listener_port(&l[0]), 8080);
	assert_int_equal(l[0].uid, 1000);
	assert_int_equal(l[0].inode, 777);
	assert_int_equal(ntohl(v4_at->sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(listener_port(&l[1]), 80);
	assert_int_equal(listeners_parse(v4, false, l, 1), 1);
	assert_int_equal(listeners_parse(v6, true, l, 8), 1);
	assert_int_equal(listener_port(&l[0]), 3000);
	assert_memory_equal(&v6_at->sin6_addr, &in6addr_loopback, 16);
	assert_int_equal(listeners_parse("", false, l, 8), 0);
}

static void a_socket_of_this_process_is_found(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct listener l[256];
	bool cheap, found = false;
	struct stat st;
	size_t n;

	(void)state;
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(fstat(fd, &st), 0);
	n = listeners_read(l, 256, &cheap);
	for (size_t i = 0; i < n; i++) {
		if (listener_port(&l[i]) == ntohs(sa.sin_port)) {
			assert_int_equal(l[i].uid, geteuid());
			assert_int_equal(l[i].inode, st.st_ino);
			found = true;
		}
	}
	assert_true(found);
	close(fd);
}

static void write_counter(const char *dir, const char *name, const char *text)
{
	char path[128];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_ok(fs_write_atomic(path, text, strlen(text), 0600, &e));
}

static void oom_kills_are_counted_in_both_cgroup_versions(void **state)
{
	char dir[] = "/tmp/slipway-unit-XXXXXX", memory[64], path[96];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(oom_kills(dir), 0);
	(void)snprintf(memory, sizeof(memory), "%s/memory", dir);
	assert_int_equal(mkdir(memory, 0700), 0);
	write_counter(memory, "memory.oom_control",
		      "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
	assert_int_equal(oom_kills(dir), 3);
	write_counter(dir, "memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 7\n");
	assert_int_equal(oom_kills(dir), 7);
	(void)snprintf(path, sizeof(path), "%s/memory.events", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/memory.oom_control", memory);
	(void)unlink(path);
	(void)rmdir(memory);
	(void)rmdir(dir);
}

static int load(const char *listen, const char *token, const char *queue, struct settings *s,
		struct err *e)
{
	char name[] = "agent", option[] = "--no-pid1";
	char *const argv[] = {name, option, NULL};

	setenv("SLIPWAY_UID", "70000", 1);
	setenv("SLIPWAY_LISTEN", listen, 1);
	setenv("SLIPWAY_AGENT_TOKEN", token, 1);
	setenv("SLIPWAY_RUN_QUEUE", queue, 1);
	return settings_load(2, argv, s, e);
}

static void settings_are_checked(void **state)
{
	char name[] = "agent", option[] = "--wrong";
	char *const argv[] = {name, option, NULL};
	struct settings s;
	struct err e;

	(void)state;
	assert_ok(load("unix:/x/agent.sock", "", "", &s, &e));
	assert_string_equal(s.listen_at, "/x/agent.sock");
	assert_int_equal(s.uid, 70000);
	assert_int_equal(s.runs_max, 1);
	assert_int_equal(s.run_queue, 8);
	assert_false(s.pid1);
	assert_ok(load("tcp:127.0.0.1:7000", "0123456789abcdef", "64", &s, &e));
	assert_true(s.listen_tcp);
	assert_string_equal(s.listen_at, "127.0.0.1:7000");
	assert_true(s.run_queue + s.runs_max < 64);
	assert_err(load("tcp:127.0.0.1:7000", "short", "", &s, &e), ERR_INVALID);
	assert_err(load("tcp:127.0.0.1:7000", "", "", &s, &e), ERR_INVALID);
	assert_err(load("udp:1", "", "", &s, &e), ERR_INVALID);
	assert_err(load("unix:relative", "", "", &s, &e), ERR_INVALID);
	assert_err(load("unix:/x", "", "many", &s, &e), ERR_INVALID);
	setenv("SLIPWAY_RUN_QUEUE", "1", 1);
	assert_err(settings_load(2, argv, &s, &e), ERR_INVALID);
	setenv("SLIPWAY_UID", "0", 1);
	assert_err(settings_load(1, argv, &s, &e), ERR_INVALID);
	unsetenv("SLIPWAY_UID");
	assert_err(settings_load(1, argv, &s, &e), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_request_gets_defaults),
		cmocka_unit_test(a_run_request_is_read_whole),
		cmocka_unit_test(bad_run_requests_are_refused),
		cmocka_unit_test(targets_are_decoded_once),
		cmocka_unit_test(modes_are_octal),
		cmocka_unit_test(listening_sockets_are_read_from_proc),
		cmocka_unit_test(a_socket_of_this_process_is_found),
		cmocka_unit_test(oom_kills_are_counted_in_both_cgroup_versions),
		cmocka_unit_test(settings_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
