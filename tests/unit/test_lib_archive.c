/* Archives made while they are sent, read back by libarchive. */

#include "archive_stream.h"
#include "strbuf.h"
#include "unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

/* Composed, decomposed (as macOS has it), and beyond the BMP. */
static const char *const names[] = {
	"top/plain.txt",
	"top/\xC3\xA9t\xC3\xA9.txt",
	"top/e\xCC\x81te.txt",
	"top/\xF0\x9F\x98\x80/\xE6\x97\xA5\xE6\x9C\xAC.sh",
};
#define N_NAMES	   (sizeof(names) / sizeof(names[0]))
#define DECOMPOSED 2
#define MTIME	   1764020685

static int keep(void *ctx, const void *bytes, size_t len, struct err *e)
{
	return strbuf_add(ctx, bytes, len) ? err_set(e, ERR_TOO_LARGE, "full") : 0;
}

static void make(enum archive_kind kind, struct strbuf *out)
{
	struct archive_stream *s;
	struct err e;

	strbuf_init(out, 1 << 20);
	assert_ok(archive_stream_create(kind, 4096, keep, out, &s, &e));
	for (size_t i = 0; i < N_NAMES; i++) {
		assert_ok(archive_stream_add(s, names[i], names[i], strlen(names[i]),
					     i % 2 ? 0755 : 0644, MTIME, &e));
	}
	assert_ok(archive_stream_finish(s, &e));
	archive_stream_destroy(s);
}

static void read_back(enum archive_kind kind)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	auto_strbuf made;
	char bytes[100];

	make(kind, &made);
	uselocale(utf8);
	archive_read_support_format_all(a);
	archive_read_support_filter_all(a);
	assert_int_equal(archive_read_open_memory(a, made.data, made.len), ARCHIVE_OK);
	for (size_t i = 0; i < N_NAMES; i++) {
		assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
		/* libarchive composes what it reads; what it writes it must not. */
		if (i != DECOMPOSED) {
			assert_string_equal(archive_entry_pathname(entry), names[i]);
		} else if (kind != ARCHIVE_KIND_TAR_GZ) {
			assert_non_null(memmem(made.data, made.len, names[i], strlen(names[i])));
		}
		assert_int_equal(archive_entry_perm(entry), i % 2 ? 0755 : 0644);
		assert_int_equal(archive_entry_mtime(entry), MTIME);
		assert_int_equal(archive_read_data(a, bytes, sizeof(bytes)), strlen(names[i]));
		assert_memory_equal(bytes, names[i], strlen(names[i]));
	}
	assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_EOF);
	archive_read_free(a);
	uselocale(LC_GLOBAL_LOCALE);
	freelocale(utf8);
}

static void every_kind_keeps_names_modes_and_times(void **state)
{
	(void)state;
	read_back(ARCHIVE_KIND_ZIP);
	read_back(ARCHIVE_KIND_TAR_GZ);
	read_back(ARCHIVE_KIND_TAR);
}

static void the_same_files_make_the_same_bytes(void **state)
{
	auto_strbuf first;
	auto_strbuf second;

	(void)state;
	for (enum archive_kind k = ARCHIVE_KIND_TAR; k <= ARCHIVE_KIND_ZIP; k++) {
		make(k, &first);
		make(k, &second);
		assert_int_equal(first.len, second.len);
		assert_memory_equal(first.data, second.data, first.len);
		strbuf_fini(&first);
		strbuf_fini(&second);
	}
}

/* Bit 11 of the flags of both headers: what unpacks it need not guess. */
static void a_zip_says_that_its_names_are_utf8(void **state)
{
	auto_strbuf made;
	size_t local = 0, central = 0;

	(void)state;
	make(ARCHIVE_KIND_ZIP, &made);
	for (size_t i = 0; i + 10 < made.len; i++) {
		const unsigned char *at = (const unsigned char *)made.data + i;

		if (!memcmp(at, "PK\3\4", 4)) {
			local += at[7] >> 3 & 1;
		} else if (!memcmp(at, "PK\1\2", 4)) {
			central += at[9] >> 3 & 1;
		}
	}
	assert_int_equal(local, N_NAMES - 1); /* ASCII needs no flag */
	assert_int_equal(central, N_NAMES - 1);
}

static int refuse(void *ctx, const void *bytes, size_t len, struct err *e)
{
	int *calls = ctx;

	(void)bytes, (void)len;
	++*calls;
	return err_set(e, ERR_CANCELLED, "gone");
}

static void who_wants_no_more_ends_it(void **state)
{
	static char noise[1 << 18];
	struct archive_stream *s;
	unsigned x = 1;
	int calls = 0;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1103515245 + 12345;
		noise[i] = (char)(x >> 16);
	}
	assert_ok(archive_stream_create(ARCHIVE_KIND_ZIP, 4096, refuse, &calls, &s, &e));
	assert_err(archive_stream_add(s, "a", noise, sizeof(noise), 0644, 0, &e), ERR_CANCELLED);
	archive_stream_destroy(s);
	assert_int_equal(calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_keeps_names_modes_and_times),
		cmocka_unit_test(the_same_files_make_the_same_bytes),
		cmocka_unit_test(a_zip_says_that_its_names_are_utf8),
		cmocka_unit_test(who_wants_no_more_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
