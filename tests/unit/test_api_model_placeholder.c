#include "model/placeholder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h wants the four above first */
#include <cmocka.h>

struct sample {
	const char *path;
	const char *line;
};

static const struct sample placeholders[] = {
	{"a.js", "// ... rest of the file unchanged"},
	{"a.js", "// ...rest of the code remains the same..."},
	{"a.js", "    // rest of your code"},
	{"a.js", "// Rest of the component stays the same"},
	{"a.js", "// The rest of the code remains unchanged."},
	{"a.js", "// The rest remains the same"},
	{"a.js", "// rest of file unchanged"},
	{"a.js", "// Keep the rest of the file as is"},
	{"a.js", "// (rest of the implementation here)"},
	{"a.js", "// [rest of code unchanged]"},
	{"a.js", "/* existing code here */"},
	{"a.js", "/* ... existing code ... */"},
	{"a.js", "// ... existing code ..."},
	{"a.js", "// existing code"},
	{"a.js", "// ...existing imports"},
	{"a.js", "// Your existing code here"},
	{"a.js", "// keep existing code"},
	{"a.js", "// Previous code remains the same"},
	{"a.js", "// previous implementation here"},
	{"a.js", "// remaining code unchanged"},
	{"a.js", "// Remaining functions stay the same"},
	{"a.js", "// ... remaining routes ..."},
	{"a.js", "// other routes unchanged"},
	{"a.js", "// ... other methods ..."},
	{"a.js", "// ... other imports"},
	{"a.js", "// All other code remains the same"},
	{"a.js", "// code unchanged"},
	{"a.js", "// unchanged code"},
	{"a.js", "// ... unchanged ..."},
	{"a.js", "// [unchanged]..."},
	{"a.js", "// ... same as before ..."},
	{"a.js", "// same code as before"},
	{"a.js", "// No changes needed here"},
	{"a.js", "// No changes below"},
	{"a.js", "// code omitted for brevity"},
	{"a.js", "// ... (omitted for brevity)"},
	{"a.js", "// Implementation goes here"},
	{"a.js", "// Rest of the code goes here"},
	{"a.js", "// ..."},
	{"a.js", "// …"},
	{"a.js", "\t/* ... */"},
	{"a.js", "{/* ... */}"},
	{"a.js", "  {/* Rest of the JSX unchanged */}"},
	{"a.js", "      {/* existing code */}"},
	{"a.js", "// … rest of the server …\r"},
	{"a.js", "# … unchanged …"},
	{"a.py", "    # ... rest of the function unchanged"},
	{"a.py", "# existing code"},
	{"a.html", "<!-- rest remains the same -->"},
	{"a.html", "  <!-- ... existing content ... -->"},
	{"a.html", "<!-- Rest of the page -->"},
	{"a.html", "<!-- ... -->"},
	{"a.css", "/* ... rest of the styles ... */"},
	{"a.css", "/* Existing styles remain unchanged */"},
	{"a.sql", "-- ... rest of the file unchanged"},
	{"a.js", "return { ...state, /* existing code here */ };"},
	{"a.js", "app.listen(port); // ... rest of the file unchanged"},
	{"Dockerfile", "# ... rest unchanged"},
};

static const struct sample honest[] = {
	{"a.js", "function f(first, ...args) {"},
	{"a.js", "// ...args are forwarded to the logger"},
	{"a.js", "const all = [...head, ...rest];"},
	{"a.js", "// the rest of the arguments are passed on"},
	{"a.js", "// passes the rest of the code points to the decoder"},
	{"a.js", "// same as above, but for POST"},
	{"a.js", "// same as above"},
	{"a.js", "// existing users keep their password"},
	{"a.js", "// current state"},
	{"a.js", "// previous value, or null"},
	{"a.js", "// remaining items"},
	{"a.js", "return state; // no change"},
	{"a.js", "// unchanged lines are printed with a space before them"},
	{"a.js", "// Loading existing sessions..."},
	{"a.js", "// wait for the other side..."},
	{"a.js", "// call the original handler"},
	{"a.js", "// keep the original order"},
	{"a.js", "// other errors are not ours"},
	{"a.js", "console.log('... rest of the file unchanged');"},
	{"a.js", "const s = `...`;"},
	{"a.js", "const glob = 'src/**/*.js';"},
	{"a.js", "fetch('http://example.test/rest/of/the/code');"},
	{"a.js", "// e.g. log(...args) or f(...)"},
	{"a.js", "// https://example.test/existing/code/here"},
	{"a.js", "// Middleware"},
	{"a.js", "// routes"},
	{"a.js", "// helper functions"},
	{"a.js", "#rest = 1;"},
	{"a.js", "/**"},
	{"a.js", " */"},
	{"a.js", "//"},
	{"a.js", "// -----------------------------------------"},
	{"a.js", "#!/usr/bin/env node"},
	{"a.md", "... rest of the file unchanged"},
	{"a.md", "# Existing code"},
	{"notes.txt", "// ... rest of the file unchanged"},
	{"a.html", "<p>The rest remains the same</p>"},
	{"a.html", "<!-- navigation -->"},
	{"a.css", "/* header */"},
	{"a.css", "#existing-code { color: red }"},
	{"a.py", "# the rest of the arguments"},
	{"a.js", "// The old names stay, so that it does not break\n// existing code."},
	{"a.js", "// Every handler here is wrapped, because otherwise the\n// rest of the code\n"},
	/* found in published packages */
	{"a.js", "// original code"},
	{"a.js", "// other methods..."},
	{"a.js", "// for brevity"},
	{"a.py", "# no change needed"},
	{"a.py", "# the remaining functions"},
	{"a.py", "#and now the others..."},
	{"a.py", "#     ..."},
	{"a.py", "#   | ...  |"},
	{"a.py", "# -> ..."},
	{"a.py", "# - ..."},
	{"a.py", "# ................................"},
	{"a.html", "<!-- ................................ -->"},
	{"a.js", "// 遍历此段中的字符..."},
	{"a.js", "// ...또는 유니코드 코드 포인트."},
	{"a.json", "{\"note\": \"rest unchanged\"}"},
};

static void test_placeholders_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++) {
		struct placeholder p;
		char text[400];
		int n = snprintf(text, sizeof(text), "first\n%s\nlast\n", placeholders[i].line);

		if (!placeholder_find(placeholders[i].path, text, (size_t)n, &p)) {
			fail_msg("not found in %s: %s", placeholders[i].path, placeholders[i].line);
		}
		assert_int_equal(p.line, 2);
		assert_true(strlen(p.text) > 0);
	}
}

static void test_honest_lines_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(honest) / sizeof(honest[0]); i++) {
		struct placeholder p;

		if (placeholder_find(honest[i].path, honest[i].line, strlen(honest[i].line), &p)) {
			fail_msg("false alarm in %s: %s", honest[i].path, honest[i].line);
		}
	}
}

static void test_a_heading_before_it_excuses_nothing(void **state)
{
	static const char *const texts[] = {
		"// Routes and handlers\n// existing code here\n",
		"// This is the list of all the routes.\n// existing code here\n",
		"// The old names stay, so that it does not break\n// ... existing code\n",
		"// The old names stay, so that it does not break\nf();\n// existing code\n",
	};
	struct placeholder p;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(placeholder_find("a.js", texts[i], strlen(texts[i]), &p));
	}
}

static void test_odd_bytes_and_ends(void **state)
{
	static const char odd[] = "//\0...\n\xff\xfe // \x80...\n/*\n<!--\n// .";
	struct placeholder p;

	(void)state;
	assert_false(placeholder_find("a.js", "", 0, &p));
	for (size_t len = 0; len < sizeof(odd); len++) {
		(void)placeholder_find("a.js", odd, len, &p);
		(void)placeholder_find("", odd, len, &p);
	}
	assert_true(placeholder_find("a.js", "// ...", 6, &p)); /* no newline at the end */
	assert_string_equal(p.text, "// ...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placeholders_are_found),
		cmocka_unit_test(test_honest_lines_pass),
		cmocka_unit_test(test_a_heading_before_it_excuses_nothing),
		cmocka_unit_test(test_odd_bytes_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
