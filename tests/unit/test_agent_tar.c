/* tar_read, tar_write and probe_reply: bytes of strangers, split anywhere. */

#include "frame.h"
#include "probe_reply.h"
#include "strbuf.h"
#include "tar_read.h"
#include "tar_write.h"
#include "unit.h"

/* What a reader saw, as text: "d:path " and "f:path:mode:size:content ". */
static int on_dir(void *ctx, const char *path, struct err *e)
{
	(void)e;
	return strbuf_addf(ctx, "d:%s ", path);
}

static int on_file(void *ctx, const char *path, mode_t mode, uint64_t size, struct err *e)
{
	(void)e;
	return strbuf_addf(ctx, "f:%s:%o:%llu:", path, mode, (unsigned long long)size);
}

static int on_data(void *ctx, const char *bytes, size_t len, struct err *e)
{
	(void)e;
	return strbuf_add(ctx, bytes, len);
}

static int on_file_end(void *ctx, struct err *e)
{
	(void)e;
	return strbuf_adds(ctx, " ");
}

static const struct tar_sink log_sink = {on_dir, on_file, on_data, on_file_end};

static void add_entry(struct strbuf *b, const char *path, bool is_dir, const char *content)
{
	static const char zeros[TAR_BLOCK_BYTES];
	char header[TAR_HEADER_MAX_BYTES];
	size_t size = strlen(content);

	strbuf_add(b, header, tar_header(path, is_dir, 0755, size, 1, header));
	strbuf_adds(b, content);
	strbuf_add(b, zeros, (TAR_BLOCK_BYTES - size % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES);
}

static void add_end(struct strbuf *b)
{
	static const char zeros[2 * TAR_BLOCK_BYTES];

	strbuf_add(b, zeros, sizeof(zeros));
}

static int read_in_steps(const struct strbuf *tar, size_t step, struct strbuf *log, struct err *e)
{
	struct tar_reader r;
	int result = 0;

	tar_reader_init(&r, &log_sink, log);
	for (size_t at = 0; result == 0 && at < tar->len; at += step) {
		size_t n = tar->len - at < step ? tar->len - at : step;

		result = tar_reader_feed(&r, tar->data + at, n, e);
	}
	if (result == 0) {
		result = tar_reader_finish(&r, e);
	}
	tar_reader_fini(&r);
	return result;
}

static void what_is_written_is_read_however_it_is_split(void **state)
{
	char deep[300] = "";
	char want[1024];
	struct strbuf tar, log;
	struct err e;

	(void)state;
	for (int i = 0; i < 20; i++) {
		strcat(deep, "directory-x/");
	}
	strcat(deep, "last");
	(void)snprintf(want, sizeof(want),
		       "d:d f:d/a.txt:755:5:hello f:empty:755:0: "
		       "f:\xC3\xBC:755:1:x f:%s:755:3:abc ",
		       deep);
	strbuf_init(&tar, 1 << 20);
	add_entry(&tar, "d", true, "");
	add_entry(&tar, "d/a.txt", false, "hello");
	add_entry(&tar, "empty", false, "");
	add_entry(&tar, "\xC3\xBC", false, "x");
	add_entry(&tar, deep, false, "abc");
	add_end(&tar);
	for (size_t step = 1; step <= tar.len; step += step < 600 ? 1 : 499) {
		strbuf_init(&log, 4096);
		assert_ok(read_in_steps(&tar, step, &log, &e));
		assert_string_equal(log.data, want);
		strbuf_fini(&log);
	}
	strbuf_fini(&tar);
}

static void a_stream_that_is_cut_is_noticed(void **state)
{
	struct strbuf tar, log;
	struct err e;

	(void)state;
	strbuf_init(&tar, 1 << 20);
	add_entry(&tar, "a", false, "hello");
	add_end(&tar);
	for (tar.len = 0; tar.len < 2 * TAR_BLOCK_BYTES; tar.len += 37) {
		strbuf_init(&log, 4096);
		assert_err(read_in_steps(&tar, 64, &log, &e), ERR_INVALID);
		strbuf_fini(&log);
	}
	strbuf_fini(&tar);
}

/* Changes bytes of a header and makes its checksum right again. */
static void patch(struct strbuf *tar, size_t header, size_t at, const char *bytes, size_t len)
{
	char *block = tar->data + header;
	unsigned sum = 0;

	memcpy(block + at, bytes, len);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++) {
		sum += (unsigned char)block[i];
	}
	(void)snprintf(block + 148, 8, "%06o", sum);
}

static void hostile_headers_are_refused(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t len;
	} cases[] = {
		{0, "../x", 5},
		{0, "/x", 3},
		{0, "a//b", 5},
		{0, "a\\b", 4},
		{0, "\xFF", 2},
		{0, "\x01", 2},
		{0, "", 1},
		{156, "1", 1},
		{156, "2", 1},
		{156, "3", 1},
		{156, "6", 1},
		{156, "S", 1},
		{156, "L", 1},
		{156, "K", 1},
		{124, "zzzzzzzzzzz", 11},
		{124, "\x80\0\0\0\0\0\0\0\0\0\0", 11},
		{100, "wrong", 5},
		{124, "77777777777", 11},
	};
	struct strbuf tar, log;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strbuf_init(&tar, 1 << 20);
		strbuf_init(&log, 4096);
		add_entry(&tar, "name", false, "hello");
		add_end(&tar);
		patch(&tar, 0, cases[i].at, cases[i].bytes, cases[i].len);
		e = (struct err){0};
		print_message("# case %zu\n", i);
		assert_int_equal(read_in_steps(&tar, 512, &log, &e), -1);
		assert_true(e.kind == ERR_INVALID || e.kind == ERR_TOO_LARGE);
		strbuf_fini(&log);
		strbuf_fini(&tar);
	}
}

static void broken_extended_headers_are_refused(void **state)
{
	static const char *const records[] = {
		"x",
		"9",
		"0 path=a\n",
		"11 path=a",
		"99 path=a\n",

		"6 path\n",
		"99999999999999999999 path=a\n",
		"18 GNU.sparse.a=b\n",
		"12 size=abc\n",
		"26 size=99999999999999999\n",
		"13 path=../a\n",
	};
	struct strbuf tar, log;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		strbuf_init(&tar, 1 << 20);
		strbuf_init(&log, 4096);
		add_entry(&tar, "pax", false, records[i]);
		patch(&tar, 0, 156, "x", 1);
		add_entry(&tar, "name", false, "hello");
		add_end(&tar);
		print_message("# %s", records[i]);
		assert_err(read_in_steps(&tar, 512, &log, &e), ERR_INVALID);
		strbuf_fini(&log);
		strbuf_fini(&tar);
	}
}

static int feed_reply(struct probe_reply *r, const char *text, size_t step, struct err *e)
{
	size_t len = strlen(text);
	int n = 0;

	probe_reply_init(r);
	for (size_t at = 0; n == 0 && at < len; at += step) {
		n = probe_reply_feed(r, text + at, len - at < step ? len - at : step, e);
	}
	return n;
}

static void answers_are_read_however_they_are_split(void **state)
{
	static const char text[] = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
				   "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n"
				   "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
	struct probe_reply r;
	struct err e;

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		assert_int_equal(feed_reply(&r, text, step, &e), 1);
		assert_int_equal(r.status, 200);
		assert_string_equal(r.content_type, "text/html");
		assert_string_equal(r.body.data, "hello world");
		assert_true(r.complete);
		probe_reply_fini(&r);
	}
	assert_int_equal(feed_reply(&r, "HTTP/1.1 204 No\r\n\r\n", 3, &e), 1);
	probe_reply_fini(&r);
	assert_int_equal(
		feed_reply(&r, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", 7, &e), 1);
	assert_string_equal(r.body.data, "abc");
	probe_reply_fini(&r);
	assert_int_equal(feed_reply(&r, "HTTP/1.1 200 OK\r\n\r\nto the end", 7, &e), 0);
	assert_string_equal(r.body.data, "to the end");
	probe_reply_fini(&r);
}

static void answers_that_are_not_http_are_noticed_early(void **state)
{
	static const char *const bad[] = {
		"220 mail ready\r\n",
		"SSH-2.0-OpenSSH\r\n",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.1 banana\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};
	struct probe_reply r;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(feed_reply(&r, bad[i], 5, &e), -1);
		probe_reply_fini(&r);
	}
}

static void any_answer_fits_a_frame(void **state)
{
	struct probe_reply r;
	struct err e;

	(void)state;
	for (int byte = 0; byte < 256; byte += 1) {
		json_t *object;

		assert_int_equal(feed_reply(&r, "HTTP/1.1 200 OK\r\nContent-Type: \xFF\xFE\r\n\r\n",
					    100, &e),
				 0);
		assert_non_null(strbuf_reserve(&r.body, PROBE_BODY_MAX_BYTES));
		memset(r.body.data, byte, PROBE_BODY_MAX_BYTES);
		strbuf_commit(&r.body, PROBE_BODY_MAX_BYTES);
		object = probe_reply_json(&r, 3000);
		assert_non_null(object);
		assert_in_range(json_dumpb(object, NULL, 0, JSON_COMPACT), 1, FRAME_PAYLOAD_MAX);
		json_decref(object);
		probe_reply_fini(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_however_it_is_split),
		cmocka_unit_test(a_stream_that_is_cut_is_noticed),
		cmocka_unit_test(hostile_headers_are_refused),
		cmocka_unit_test(broken_extended_headers_are_refused),
		cmocka_unit_test(answers_are_read_however_they_are_split),
		cmocka_unit_test(answers_that_are_not_http_are_noticed_early),
		cmocka_unit_test(any_answer_fits_a_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
