/* Differences of texts: that the script turns the one into the other, and how hunks look. */

#include "projects/diff.h"
#include "projects/diff_script.h"
#include "unit.h"

#define TEXT_MAX (4 << 20)

/* What the script makes of a must be b. */
static void assert_script_right(const char *a, size_t a_len, const char *b, size_t b_len,
				size_t *ret_edits)
{
	struct diff_script s = {0};
	struct strbuf made;
	struct err e;
	size_t i = 0, j = 0, edits = 0;

	strbuf_init(&made, TEXT_MAX);
	assert_ok(diff_script_make(&s, a, a_len, b, b_len, &e));
	while (i < s.a.n || j < s.b.n) {
		if (i < s.a.n && s.gone[i]) {
			i++;
			edits++;
		} else if (j < s.b.n && s.come[j]) {
			strbuf_add(&made, s.b.at[j].text, s.b.at[j].len);
			j++;
			edits++;
		} else {
			assert_true(i < s.a.n && j < s.b.n);
			strbuf_add(&made, s.a.at[i].text, s.a.at[i].len);
			i++;
			j++;
		}
	}
	assert_int_equal(made.len, b_len);
	assert_memory_equal(made.data, b, b_len);
	strbuf_fini(&made);
	diff_script_fini(&s);
	if (ret_edits) {
		*ret_edits = edits;
	}
}

static void script_of_random_texts(void **state)
{
	unsigned int seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		char text[2][200];
		size_t len[2];

		for (int side = 0; side < 2; side++) {
			len[side] = (size_t)rand_r(&seed) % 60;
			for (size_t i = 0; i < len[side]; i++) {
				text[side][i] = "ab\n\n"[rand_r(&seed) % 4];
			}
		}
		assert_script_right(text[0], len[0], text[1], len[1], NULL);
	}
}

static void script_is_shortest(void **state)
{
	static const char a[] = "a\nb\nc\na\nb\nb\na\n", b[] = "c\nb\na\nb\na\nc\n";
	size_t edits;

	(void)state;
	assert_script_right(a, sizeof(a) - 1, b, sizeof(b) - 1, &edits);
	assert_int_equal(edits, 5); /* Myers' own example */
}

static void script_of_large_and_strange_texts_is_bounded(void **state)
{
	struct strbuf a, b;

	(void)state;
	strbuf_init(&a, TEXT_MAX);
	strbuf_init(&b, TEXT_MAX);
	for (int i = 0; i < 60000; i++) {
		strbuf_addf(&a, "a%d\n", i);
		strbuf_addf(&b, "b%d\n", i);
	}
	assert_script_right(a.data, a.len, b.data, b.len, NULL);
	strbuf_reset(&a);
	strbuf_reset(&b);
	for (int i = 0; i < 20000; i++) { /* more edits than DIFF_EDITS_MAX */
		strbuf_addf(&a, "%d\n", i % 7);
		strbuf_addf(&b, "%d\n", i % 11);
	}
	assert_script_right(a.data, a.len, b.data, b.len, NULL);
	strbuf_fini(&a);
	strbuf_fini(&b);
}

static void assert_hunks(const char *a, const char *b, const char *expected, int64_t additions,
			 int64_t deletions)
{
	struct diff_count count;
	struct strbuf out;
	struct err e;

	strbuf_init(&out, TEXT_MAX);
	assert_ok(diff_unified(a, strlen(a), b, strlen(b), &out, &count, &e));
	assert_string_equal(out.data, expected);
	assert_int_equal(count.additions, additions);
	assert_int_equal(count.deletions, deletions);
	strbuf_fini(&out);
}

static void hunks_as_diff_u_prints_them(void **state)
{
	(void)state;
	assert_hunks("", "", "", 0, 0);
	assert_hunks("x\n", "x\n", "", 0, 0);
	assert_hunks("", "x\n", "@@ -0,0 +1 @@\n+x\n", 1, 0);
	assert_hunks("x\ny\n", "", "@@ -1,2 +0,0 @@\n-x\n-y\n", 0, 2);
	assert_hunks("x", "x\n", "@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n", 1, 1);
	assert_hunks("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
		     "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n", 1, 1);
	/* Six lines between two changes join them into one hunk, seven do not. */
	assert_hunks("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
		     "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n", 2, 2);
	assert_hunks("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
		     "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n",
		     2, 2);
}

static void a_full_buffer_is_no_error(void **state)
{
	struct diff_count count;
	struct strbuf out;
	struct err e;

	(void)state;
	strbuf_init(&out, 10);
	assert_ok(diff_unified("a\n", 2, "b\nc\n", 4, &out, &count, &e));
	assert_true(out.failed);
	assert_int_equal(count.additions, 2);
	strbuf_fini(&out);
}

static void text_and_binary(void **state)
{
	(void)state;
	assert_true(diff_is_text("", 0));
	assert_true(diff_is_text("gr\xc3\xbc\xc3\x9f dich\n", 12));
	assert_false(diff_is_text("a\0b", 3));
	assert_false(diff_is_text("\xff\xfe", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(script_of_random_texts),
		cmocka_unit_test(script_is_shortest),
		cmocka_unit_test(script_of_large_and_strange_texts_is_bounded),
		cmocka_unit_test(hunks_as_diff_u_prints_them),
		cmocka_unit_test(a_full_buffer_is_no_error),
		cmocka_unit_test(text_and_binary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
