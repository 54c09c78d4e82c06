/* The agent's connections, runs and files in this process, over socket pairs, byte by byte. */

#include "agent.h"
#include "cleanup.h"
#include "clock.h"
#include "conn.h"
#include "frame.h"
#include "run.h"
#include "turn_until.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define CODE_UID    71234
#define DEADLINE_MS 20000

static struct agent agent;

static int start_agent(void **state)
{
	struct err e;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	agent = (struct agent){0};
	agent.settings.uid = CODE_UID;
	agent.settings.runs_max = 1;
	agent.settings.run_queue = 1;
	strcpy(agent.settings.workspace, "/tmp/slipway-unit-XXXXXX");
	if (!mkdtemp(agent.settings.workspace) ||
	    chown(agent.settings.workspace, CODE_UID, CODE_UID) < 0) {
		return -1;
	}
	return agent_init(&agent, &e);
}

static int stop_agent(void **state)
{
	char command[PATH_MAX + 16];

	(void)state;
	agent_fini(&agent);
	(void)snprintf(command, sizeof(command), "rm -rf %s", agent.settings.workspace);
	return system(command);
}

static int open_conn(void)
{
	int pair[2];
	struct err e;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	assert_ok(conn_create(&agent, pair[0], &e));
	return pair[1];
}

static void turn(void)
{
	(void)event_base_loop(agent.base, EVLOOP_NONBLOCK);
}

/* Reads what is there; false at the end. */
static bool take(int fd, struct strbuf *b)
{
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0) {
		strbuf_add(b, buf, (size_t)n);
	}
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Sends bytes in steps and reads until the agent closes, or `until` is in the answer. */
static void talk_on(int fd, const char *bytes, size_t len, size_t step, const char *until,
		    struct strbuf *answer)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	size_t at = 0;

	for (;;) {
		size_t n = len - at < step ? len - at : step;
		ssize_t sent = n > 0 ? send(fd, bytes + at, n, MSG_NOSIGNAL) : 0;

		at += sent > 0 ? (size_t)sent : 0;
		turn();
		if (!take(fd, answer) || (until && strstr(answer->data, until))) {
			return;
		}
		assert_true(clock_mono_ms() < end);
	}
}

static void talk(const char *text, size_t step, struct strbuf *answer)
{
	int fd = open_conn();

	strbuf_init(answer, 64 << 20);
	talk_on(fd, text, strlen(text), step, NULL, answer);
	close(fd);
}

#define HEAD(method, target) method " " target " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"

static void assert_answer(const char *request, const char *start, const char *has)
{
	struct strbuf answer;

	talk(request, strlen(request), &answer);
	if (strncmp(answer.data, start, strlen(start)) != 0 || !strstr(answer.data, has)) {
		fail_msg("%s\nanswered\n%s\nwanted %s … %s", request, answer.data, start, has);
	}
	strbuf_fini(&answer);
}

static void a_request_may_be_split_anywhere(void **state)
{
	static const char text[] = HEAD("GET", "/v1/health") "\r\n";
	struct strbuf answer;

	(void)state;
	for (size_t step = 1; step <= sizeof(text); step++) {
		talk(text, step, &answer);
		assert_non_null(strstr(answer.data, "HTTP/1.1 200 OK\r\n"));
		assert_non_null(
			strstr(answer.data, "\"queued\":0,\"terminals\":0,\"starting\":0}"));
		strbuf_fini(&answer);
	}
}

static void requests_on_one_connection_are_answered_in_order(void **state)
{
	static const char text[] =
		"PUT /v1/files/p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
		"GET /v1/files/p HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /v1/tree HTTP/1.1\r\nHost: a\r\n\r\n" HEAD("DELETE", "/v1/files/p") "\r\n";
	const char *at;
	struct strbuf answer;

	(void)state;
	talk(text, sizeof(text), &answer);
	at = strstr(answer.data, "204 No Content");
	assert_non_null(at);
	at = strstr(at, "\r\n\r\nhi");
	assert_non_null(at);
	at = strstr(at, "\"path\":\"p\"");
	assert_non_null(at);
	assert_non_null(strstr(at, "204 No Content"));
	strbuf_fini(&answer);
}

static void bad_requests_are_refused(void **state)
{
	(void)state;
	assert_answer("NONSENSE\r\n\r\n", "HTTP/1.1 400", "Connection: close");
	assert_answer(HEAD("GET", "/v1/none") "\r\n", "HTTP/1.1 404", "no such call");
	assert_answer(HEAD("POST", "/v1/health") "\r\n", "HTTP/1.1 404", "no such call");
	assert_answer(HEAD("GET", "/v1/files/") "\r\n", "HTTP/1.1 404", "no such call");
	assert_answer(HEAD("GET", "/v1/files/..%2fx") "\r\n", "HTTP/1.1 400", "..");
	assert_answer(HEAD("GET", "/v1/files/%") "\r\n", "HTTP/1.1 400", "escape");
	assert_answer(HEAD("PUT", "/v1/files/a?mode=4755") "Content-Length: 0\r\n\r\n",
		      "HTTP/1.1 400", "octal");
	assert_answer(HEAD("PUT", "/v1/files/a") "Content-Length: 99999999\r\n\r\n", "HTTP/1.1 413",
		      "too_large");
	assert_answer(HEAD("GET", "/v1/health") "Content-Length: 1\r\n\r\nx", "HTTP/1.1 413", "");
	assert_answer(HEAD("PUT", "/v1/files/a") "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		      "HTTP/1.1 400", "");
	assert_answer(HEAD("GET", "/v1/health") "Expect: the worst\r\n\r\n", "HTTP/1.1 400",
		      "Expect");
	assert_answer(HEAD("POST", "/v1/runs") "Content-Length: 2\r\n\r\n{}", "HTTP/1.1 400", "id");
}

static void a_chunked_body_and_expect_are_understood(void **state)
{
	static const char text[] =
		HEAD("PUT", "/v1/files/d/chunked") "Expect: 100-continue\r\n"
						   "Transfer-Encoding: chunked\r\n\r\n"
						   "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
	struct strbuf answer;

	(void)state;
	for (size_t step = 1; step < 40; step += 7) {
		talk(text, step, &answer);
		assert_memory_equal(answer.data, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204", 37);
		strbuf_fini(&answer);
		assert_answer(HEAD("GET", "/v1/files/d/chunked") "\r\n", "HTTP/1.1 200",
			      "\r\n\r\nhello world");
	}
	assert_answer(HEAD("DELETE", "/v1/files/d") "\r\n", "HTTP/1.1 204", "");
}

/* The output and exit frames of a run, put together. */
struct outcome {
	struct strbuf out, err;
	char exit[512];
	bool complete;
};

static int on_frame(void *ctx, enum frame_type type, const char *payload, size_t len, struct err *e)
{
	struct outcome *o = ctx;

	(void)e;
	if (type == FRAME_STDOUT) {
		strbuf_add(&o->out, payload, len);
	} else if (type == FRAME_STDERR) {
		strbuf_add(&o->err, payload, len);
	} else if (type == FRAME_EXIT) {
		(void)snprintf(o->exit, sizeof(o->exit), "%.*s", (int)len, payload);
		o->complete = true;
	}
	return 0;
}

/* HTTP/1.0, so that the frames come without chunks around them. */
static int send_run(const char *body)
{
	int fd = open_conn();
	char head[128];
	int n = snprintf(head, sizeof(head),
			 "POST /v1/runs HTTP/1.0\r\nContent-Length: %zu\r\n\r\n", strlen(body));

	assert_int_equal(send(fd, head, (size_t)n, 0), n);
	assert_int_equal(send(fd, body, strlen(body), 0), (ssize_t)strlen(body));
	return fd;
}

static void finish_run(int fd, struct outcome *o)
{
	struct frame_parser p;
	struct strbuf answer;
	const char *frames;
	struct err e;

	*o = (struct outcome){.complete = false};
	strbuf_init(&o->out, 8 << 20);
	strbuf_init(&o->err, 8 << 20);
	strbuf_init(&answer, 8 << 20);
	talk_on(fd, "", 0, 1, NULL, &answer);
	close(fd);
	assert_memory_equal(answer.data, "HTTP/1.1 200", 12);
	frames = strstr(answer.data, "\r\n\r\n") + 4;
	frame_parser_init(&p);
	assert_ok(frame_parser_feed(&p, frames, (size_t)(answer.data + answer.len - frames),
				    on_frame, o, &e));
	assert_true(frame_parser_idle(&p));
	frame_parser_fini(&p);
	strbuf_fini(&answer);
}

static void outcome_fini(struct outcome *o)
{
	strbuf_fini(&o->out);
	strbuf_fini(&o->err);
}

static void assert_refused(int fd, const char *start, const char *has)
{
	struct strbuf answer;

	strbuf_init(&answer, 4096);
	talk_on(fd, "", 0, 1, NULL, &answer);
	close(fd);
	assert_memory_equal(answer.data, start, strlen(start));
	assert_non_null(strstr(answer.data, has));
	strbuf_fini(&answer);
}

static void a_run_streams_and_ends(void **state)
{
	struct outcome o;

	(void)state;
	finish_run(
		send_run(
			"{\"id\":\"a\",\"argv\":[\"sh\",\"-c\",\"cat; cat f; echo e >&2; exit 3\"],"
			"\"stdin\":\"in \",\"write\":[{\"path\":\"f\",\"content\":\"file\"}]}"),
		&o);
	assert_string_equal(o.out.data, "in file");
	assert_string_equal(o.err.data, "e\n");
	assert_non_null(strstr(o.exit, "\"exit_code\":3,\"signal\":\"\",\"timed_out\":false"));
	outcome_fini(&o);
	assert_int_equal(agent.n_running, 0);
}

static void a_run_past_its_deadline_or_cap_is_ended(void **state)
{
	struct outcome o;

	(void)state;
	finish_run(send_run("{\"id\":\"a\",\"argv\":[\"sleep\",\"100\"],\"timeout_ms\":50}"), &o);
	assert_non_null(strstr(o.exit, "\"signal\":\"SIGKILL\",\"timed_out\":true"));
	outcome_fini(&o);
	finish_run(send_run("{\"id\":\"a\",\"argv\":[\"yes\"],\"output_max_bytes\":70001}"), &o);
	assert_int_equal(o.out.len, 70001);
	assert_non_null(strstr(o.exit, "\"timed_out\":false,\"truncated\":true"));
	outcome_fini(&o);
	finish_run(send_run("{\"id\":\"a\",\"argv\":[\"echo\",\"x\"],\"output_max_bytes\":0}"), &o);
	assert_int_equal(o.out.len, 0);
	assert_non_null(strstr(o.exit, "\"truncated\":true"));
	outcome_fini(&o);
}

static void a_run_that_cannot_start_says_why(void **state)
{
	struct rlimit was;
	struct outcome o;

	(void)state;
	finish_run(send_run("{\"id\":\"a\",\"argv\":[\"not-there\"]}"), &o);
	assert_string_equal(o.err.data, "slipway: not-there: command not found\n");
	assert_non_null(strstr(o.exit, "\"exit_code\":127"));
	outcome_fini(&o);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, was.rlim_max}), 0);
	assert_refused(send_run("{\"id\":\"a\",\"argv\":[\"true\"],"
				"\"write\":[{\"path\":\"f\",\"content\":\"x\"}]}"),
		       "HTTP/1.1 500", "cannot write f");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(agent.n_running, 0);
}

/* A program must not be able to keep the next one's files out. */
static void what_lies_in_the_way_of_a_runs_file_is_moved(void **state)
{
	static const char *const runs[] = {
		"{\"id\":\"a\",\"argv\":[\"sh\",\"-c\",\"mkdir -p w/x/y; chmod 0 w "
		".\"],\"write\":[]}",
		"{\"id\":\"a\",\"argv\":[\"sh\",\"-c\",\"cat w/x; rm -r w; ln -s / w\"],"
		"\"write\":[{\"path\":\"w/x\",\"content\":\"1\"}]}",
		"{\"id\":\"a\",\"argv\":[\"sh\",\"-c\",\"cat w/x; test -e /x || rm -r w*; echo "
		">w\"],"
		"\"write\":[{\"path\":\"w/x\",\"content\":\"2\"}]}",
		"{\"id\":\"a\",\"argv\":[\"cat\",\"w/x\"],\"write\":[{\"path\":\"w/"
		"x\",\"content\":\"3\"}]}",
	};
	static const char *const outputs[] = {"", "1", "2", "3"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		struct outcome o;

		finish_run(send_run(runs[i]), &o);
		assert_string_equal(o.err.data, "");
		assert_string_equal(o.out.data, outputs[i]);
		outcome_fini(&o);
	}
}

static void a_client_that_leaves_kills_its_run(void **state)
{
	int fd = send_run(
		"{\"id\":\"a\",\"argv\":[\"sh\",\"-c\",\"trap '' TERM; setsid sleep 100\"]}");
	char probe;

	(void)state;
	turn_until(recv(fd, &probe, 1, MSG_PEEK) == 1);
	assert_int_equal(agent.n_running, 1);
	close(fd);
	turn_until(agent.n_running == 0);
	assert_true(TAILQ_EMPTY(&agent.draining));
}

static void runs_wait_in_a_bounded_queue(void **state)
{
	int first = send_run("{\"id\":\"1\",\"argv\":[\"sleep\",\"100\"]}"), second;
	struct outcome o;

	(void)state;
	turn_until(agent.n_running == 1);
	second = send_run("{\"id\":\"2\",\"argv\":[\"echo\",\"two\"]}");
	turn_until(agent.n_queued == 1);
	assert_refused(send_run("{\"id\":\"3\",\"argv\":[\"echo\"]}"), "HTTP/1.1 429",
		       "Retry-After: 1\r\n");
	assert_refused(send_run("{\"id\":\"1\",\"argv\":[\"true\"]}"), "HTTP/1.1 409", "conflict");
	assert_answer(HEAD("DELETE", "/v1/runs/1") "\r\n", "HTTP/1.1 204", "");
	finish_run(first, &o);
	assert_non_null(strstr(o.exit, "SIGKILL"));
	outcome_fini(&o);
	finish_run(second, &o);
	assert_string_equal(o.out.data, "two\n");
	outcome_fini(&o);
}

/* The supervisor is killed, as by a lack of memory: its run must not outlive it. */
static void what_a_dead_supervisor_leaves_is_killed(void **state)
{
	int fd = send_run(
		"{\"id\":\"a\",\"argv\":[\"sh\",\"-c\",\"setsid sleep 100 & sleep 100\"]}");
	struct outcome o;
	char probe;

	(void)state;
	turn_until(recv(fd, &probe, 1, MSG_PEEK) == 1);
	assert_int_equal(kill(TAILQ_FIRST(&agent.running)->supervised.pid, SIGKILL), 0);
	finish_run(fd, &o);
	assert_non_null(strstr(o.exit, "SIGKILL"));
	assert_int_equal(agent.n_running, 0);
	outcome_fini(&o);
}

static void a_token_is_wanted_when_set(void **state)
{
	(void)state;
	strcpy(agent.settings.token, "0123456789abcdef");
	assert_answer(HEAD("GET", "/v1/health") "\r\n", "HTTP/1.1 401", "");
	assert_answer(HEAD("GET", "/v1/health") "Authorization: Bearer 0123456789abcdeg\r\n\r\n",
		      "HTTP/1.1 401", "");
	assert_answer(HEAD("GET", "/v1/health") "Authorization: Bearer 0123456789abcde\r\n\r\n",
		      "HTTP/1.1 401", "");
	assert_answer(HEAD("GET", "/v1/health") "Authorization: Bearer\r\n\r\n", "HTTP/1.1 401",
		      "");
	assert_answer(HEAD("GET", "/v1/health") "Authorization: Bearer 0123456789abcdef\r\n\r\n",
		      "HTTP/1.1 200", "");
	agent.settings.token[0] = '\0';
}

static void large_bodies_share_a_budget(void **state)
{
	(void)state;
	agent.bodies_bytes = AGENT_BODIES_MAX_BYTES - 10;
	assert_answer(HEAD("POST", "/v1/runs") "Content-Length: 30\r\n\r\n"
					       "{\"id\":\"1\",\"argv\":[\"true\"]}     ",
		      "HTTP/1.1 429", "too many");
	assert_int_equal(agent.bodies_bytes, AGENT_BODIES_MAX_BYTES - 10);
	agent.bodies_bytes = 0;
}

static void files_leave_nothing_half_done(void **state)
{
	static const char half[] =
		"PUT /v1/files/half HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
	int fd = open_conn();
	struct stat st;
	char path[PATH_MAX + 16];

	(void)state;
	assert_int_equal(send(fd, half, strlen(half), 0), (ssize_t)strlen(half));
	turn();
	close(fd);
	turn_until(agent.n_conns == 0);
	(void)snprintf(path, sizeof(path), "%s/half", agent.settings.workspace);
	assert_int_equal(stat(path, &st), -1);
	assert_answer(HEAD("GET", "/v1/tree") "\r\n", "HTTP/1.1 200", "\"truncated\":false");
	assert_answer(HEAD("PUT", "/v1/files/f2") "Content-Length: 1\r\n\r\nx", "HTTP/1.1 204", "");
	(void)snprintf(path, sizeof(path), "%s/f2", agent.settings.workspace);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, CODE_UID);
	assert_int_equal(st.st_gid, CODE_UID);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void a_large_file_is_sent_as_the_client_takes_it(void **state)
{
	static const char get[] = HEAD("GET", "/v1/files/large") "\r\n";
	char path[PATH_MAX + 16];
	struct strbuf answer;
	int fd, file;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/large", agent.settings.workspace);
	file = open(path, O_WRONLY | O_CREAT, 0644);
	assert_int_equal(ftruncate(file, 30 << 20), 0);
	close(file);
	fd = open_conn();
	assert_int_equal(send(fd, get, strlen(get), 0), (ssize_t)strlen(get));
	for (int i = 0; i < 50; i++) {
		turn();
	}
	assert_in_range(conn_pending(TAILQ_FIRST(&agent.conns)), 1, 2 * CONN_OUTPUT_HIGH_BYTES);
	strbuf_init(&answer, 40 << 20);
	talk_on(fd, "", 0, 1, NULL, &answer);
	assert_in_range(answer.len, 30 << 20, (30 << 20) + 500);
	strbuf_fini(&answer);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_may_be_split_anywhere),
		cmocka_unit_test(requests_on_one_connection_are_answered_in_order),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(a_chunked_body_and_expect_are_understood),
		cmocka_unit_test(a_run_streams_and_ends),
		cmocka_unit_test(a_run_past_its_deadline_or_cap_is_ended),
		cmocka_unit_test(a_run_that_cannot_start_says_why),
		cmocka_unit_test(what_lies_in_the_way_of_a_runs_file_is_moved),
		cmocka_unit_test(a_client_that_leaves_kills_its_run),
		cmocka_unit_test(runs_wait_in_a_bounded_queue),
		cmocka_unit_test(what_a_dead_supervisor_leaves_is_killed),
		cmocka_unit_test(a_token_is_wanted_when_set),
		cmocka_unit_test(large_bodies_share_a_budget),
		cmocka_unit_test(files_leave_nothing_half_done),
		cmocka_unit_test(a_large_file_is_sent_as_the_client_takes_it),
	};

	return cmocka_run_group_tests(tests, start_agent, stop_agent);
}
