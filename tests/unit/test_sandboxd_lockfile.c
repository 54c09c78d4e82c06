/* Which lockfiles may be shared, and what npm is given then. */

#include "unit.h"

#include "lockfile.h"
#include "npm_names.h"
#include "strbuf.h"

#include <jansson.h>

#define HASH                                                                                       \
	"sha512-HKVLS8dvII+xoKW9kmqxbRKrnWEXfJJr/FZhhJmiqIB0e053QNYFqOBouTMO/"                     \
	"k5sID4MvCiUCvv8b9M4h32wIA=="
#define A      "\"version\":\"1.2.3\",\"integrity\":\"" HASH "\""
#define WANT_A "{\"dependencies\":{\"a\":\"^1.0.0\"}}"

static int check(const char *manifest, const char *lockfile, struct lockfile_tree *ret,
		 struct err *e)
{
	struct lockfile_input in = {.manifest = manifest,
				    .manifest_len = strlen(manifest),
				    .lockfile = lockfile,
				    .lockfile_len = strlen(lockfile),
				    .scripts_not_needed =
					    "# list\nesbuild 1.2 # fine\nfsevents\nnew 1.3\n",
				    .cpu = "x64"};

	return lockfile_check(&in, ret, e);
}

/* A lockfile for WANT_A with these members after the root's. */
static char *lock(const char *packages)
{
	auto_strbuf b;

	strbuf_init(&b, 1 << 20);
	(void)strbuf_addf(&b,
			  "{\"name\":\"p\",\"lockfileVersion\":3,\"requires\":true,\"packages\":{"
			  "\"\":{\"name\":\"p\",\"dependencies\":{\"a\":\"^1.0.0\"}},%s}}",
			  packages);
	return strbuf_steal(&b);
}

static void shares(const char *packages)
{
	struct lockfile_tree t;
	char *text = lock(packages);
	struct err e;

	assert_ok(check(WANT_A, text, &t, &e));
	lockfile_tree_fini(&t);
	free(text);
}

static void refuses_with(const char *manifest, const char *lockfile, const char *why)
{
	struct lockfile_tree t;
	struct err e;

	assert_err(check(manifest, lockfile, &t, &e), ERR_UNPROCESSABLE);
	if (!strstr(e.text, why)) {
		fail_msg("'%s' says nothing of '%s' (%s)", e.text, why, lockfile);
	}
}

static void refuses(const char *packages, const char *why)
{
	char *text = lock(packages);

	refuses_with(WANT_A, text, why);
	free(text);
}

static void test_plain(void **state)
{
	char *text = lock("\"node_modules/a\":{" A ",\"resolved\":\"https://r.example/a/-/"
			  "a-1.2.3.tgz\",\"license\":\"MIT\",\"engines\":{\"node\":\">=18\"},"
			  "\"bin\":{\"a\":\"cli.js\"}}");
	struct lockfile_tree t;
	struct err e;

	(void)state;
	assert_ok(check(WANT_A, text, &t, &e));
	assert_int_equal(t.packages, 1);
	assert_string_equal(t.manifest, WANT_A);
	assert_string_equal(t.lockfile,
			    "{\"lockfileVersion\":3,\"packages\":{\"\":" WANT_A
			    ",\"node_modules/a\":{\"bin\":{\"a\":\"cli.js\"},\"integrity\":\"" HASH
			    "\",\"resolved\":\"https://registry.invalid/a/-/a-1.2.3.tgz\","
			    "\"version\":\"1.2.3\"}},\"requires\":true}");
	lockfile_tree_fini(&t);
	free(text);
}

/* Where it came from, its order and its comments do not matter; its packages do. */
static void test_same_tree_same_text(void **state)
{
	char *one = lock("\"node_modules/a\":{" A "},\"node_modules/@s/b\":{" A "}");
	char *two = lock("\"node_modules/@s/b\":{\"funding\":\"x\"," A
			 ",\"resolved\":\"http://10.0.0.1:4873/@s/b/-/b-1.2.3.tgz\"},"
			 "\"node_modules/a\":{" A "}");
	char *three = lock("\"node_modules/a\":{" A "},\"node_modules/@s/c\":{" A "}");
	struct lockfile_tree t[3];
	struct err e;

	(void)state;
	assert_ok(check(WANT_A, one, &t[0], &e));
	assert_ok(check("{\"name\":\"q\",\"scripts\":{\"dev\":\"x\"},\"dependencies\":{\"a\":"
			"\"^1.0.0\"},\"devDependencies\":{}}",
			two, &t[1], &e));
	assert_ok(check(WANT_A, three, &t[2], &e));
	assert_string_equal(t[0].lockfile, t[1].lockfile);
	assert_string_equal(t[0].manifest, t[1].manifest);
	assert_string_not_equal(t[0].lockfile, t[2].lockfile);
	for (int i = 0; i < 3; i++) {
		lockfile_tree_fini(&t[i]);
	}
	free(one);
	free(two);
	free(three);
}

static void test_what_it_may_have(void **state)
{
	(void)state;
	shares("\"node_modules/a\":{" A "},\"node_modules/a/node_modules/@s/b\":{" A "}");
	shares("\"node_modules/a\":{" A ",\"name\":\"really-b\",\"resolved\":\"https://r/really-b/"
	       "-/really-b-1.2.3.tgz\"}");
	shares("\"node_modules/a\":{" A "},\"node_modules/esbuild\":{" A
	       ",\"hasInstallScript\":true}");
	shares("\"node_modules/a\":{" A "},\"node_modules/mac\":{" A
	       ",\"hasInstallScript\":true,\"os\":[\"darwin\"]}");
	shares("\"node_modules/a\":{" A ",\"bundleDependencies\":[\"b\"]},\"node_modules/a/"
	       "node_modules/b\":{\"version\":\"1.0.0\",\"inBundle\":true}");
	shares("\"node_modules/a\":{" A ",\"dependencies\":{\"b\":\"npm:c@^1\"},"
	       "\"optionalDependencies\":{\"a-win32-x64\":\"1\",\"a-linux-x64-musl\":\"1\"}}");
}

static void test_identity(void **state)
{
	(void)state;
	refuses("\"node_modules/a\":{\"version\":\"1.2.3\"}", "SHA-512");
	refuses("\"node_modules/a\":{\"version\":\"1.2.3\",\"integrity\":\"sha1-YWFh\"}",
		"SHA-512");
	refuses("\"node_modules/a\":{\"version\":\"1.2.3\",\"integrity\":\"sha1-YWFh " HASH "\"}",
		"SHA-512");
	refuses("\"node_modules/a\":{\"version\":\"^1\",\"integrity\":\"" HASH "\"}", "version");
	refuses("\"node_modules/a\":{\"integrity\":\"" HASH "\"}", "version");
	refuses("\"node_modules/a\":{" A ",\"resolved\":\"git+ssh://git@h/x.git#1\"}", "registry");
	refuses("\"node_modules/a\":{" A ",\"resolved\":\"file:../a.tgz\"}", "registry");
	refuses("\"node_modules/a\":{" A ",\"resolved\":\"https://evil.example/x.tgz\"}",
		"registry");
	refuses("\"node_modules/a\":{" A ",\"resolved\":\"https://r/b/-/b-1.2.3.tgz\"}", "another");
	refuses("\"node_modules/a\":{" A ",\"resolved\":\"https://r/a/-/a-1.2.4.tgz\"}", "another");
	refuses("\"node_modules/a\":{" A ",\"resolved\":\"https://r/a/-/a-1.2.3.tgz?x=1\"}",
		"another");
	refuses("\"node_modules/a\":{" A ",\"resolved\":true}", "registry");
	refuses("\"node_modules/a\":{" A ",\"name\":\"../b\"}", "unusual name");
	refuses("\"node_modules/a\":{" A ",\"link\":true}", "registry");
	refuses("\"node_modules/a\":{" A ",\"hasShrinkwrap\":true}", "registry");
	refuses("\"node_modules/a\":null", "registry");
}

static void test_places(void **state)
{
	static const char *const bad[] = {
		"a",
		"packages/a",
		"../node_modules/a",
		"node_modules/..",
		"node_modules/.bin",
		"node_modules/a/../b",
		"node_modules/a/node_modules",
		"node_modules/a/node_modules/",
		"node_modules/a/lib/node_modules/b",
		"node_modules//a",
		"node_modules/@s",
		"node_modules/@s/a/b",
		"/node_modules/a",
		"node_modules/a b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[1000];

		(void)snprintf(text, sizeof(text), "\"%s\":{%s}", bad[i], A);
		refuses(text, "unusual place");
	}
}

static void test_scripts(void **state)
{
	static const char *const names[] = {"preinstall", "install", "postinstall", "prepare"};

	(void)state;
	refuses("\"node_modules/a\":{" A ",\"hasInstallScript\":true}", "runs a script");
	/* The name on the list is another package's here. */
	refuses("\"node_modules/esbuild\":{" A ",\"name\":\"a\",\"hasInstallScript\":true}",
		"runs a script");
	refuses("\"node_modules/new\":{" A ",\"hasInstallScript\":true}", "runs a script");
	refuses("\"node_modules/esb\":{" A ",\"hasInstallScript\":true}", "runs a script");
	refuses("\"node_modules/a\":{" A ",\"hasInstallScript\":true,\"os\":[\"!win32\"]}",
		"runs a script");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = lock("\"node_modules/a\":{" A "}"), manifest[200];

		(void)snprintf(manifest, sizeof(manifest),
			       "{\"dependencies\":{\"a\":\"^1.0.0\"},\"scripts\":{\"%s\":\"x\"}}",
			       names[i]);
		refuses_with(manifest, text, names[i]);
		free(text);
	}
}

static void test_bundles(void **state)
{
	(void)state;
	refuses("\"node_modules/a\":{" A "},\"node_modules/a/node_modules/b\":{\"version\":"
		"\"1.0.0\",\"inBundle\":true}",
		"brings");
	refuses("\"node_modules/a\":{" A ",\"bundleDependencies\":true},\"node_modules/b\":{"
		"\"version\":\"1.0.0\",\"inBundle\":true}",
		"brings");
	refuses("\"node_modules/a\":{" A ",\"bundleDependencies\":[\"b\"]},\"node_modules/a/"
		"node_modules/b\":{\"version\":\"1.0.0\",\"inBundle\":true,\"resolved\":\"https://"
		"x/b/-/b-1.0.0.tgz\"}",
		"brings");
}

static void test_optional(void **state)
{
	char *text = lock("\"node_modules/a\":{" A ",\"optionalDependencies\":{\"a-darwin-arm64\":"
			  "\"1.2.3\",\"a-there\":\"1.2.3\"}},\"node_modules/a-there\":{" A "}");
	struct lockfile_tree t;
	struct err e;

	(void)state;
	assert_ok(check(WANT_A, text, &t, &e));
	assert_non_null(strstr(t.lockfile, "\"optionalDependencies\":{\"a-there\":\"1.2.3\"}"));
	lockfile_tree_fini(&t);
	free(text);
	refuses("\"node_modules/a\":{" A ",\"optionalDependencies\":{\"@a/linux-x64-gnu\":\"1\"}}",
		"may need");
}

static void test_specs(void **state)
{
	static const char *const good[] = {"",
					   "*",
					   "1",
					   "^1.2.3",
					   ">=1 <2",
					   "latest",
					   "1.0.0 - 2.0.0",
					   "1 || 2",
					   "npm:b",
					   "npm:b@1",
					   "npm:@s/b@^1.0.0-rc.1"};
	static const char *const bad[] = {"file:../x",
					  "link:x",
					  "git+https://h/x",
					  "github:u/r",
					  "u/r",
					  "http://h/x",
					  "https://h/x.tgz",
					  "./x",
					  "..",
					  "~/x",
					  "/x",
					  "workspace:*",
					  "catalog:",
					  "x.tgz",
					  "X.TAR.GZ",
					  "npm:../b@1",
					  "npm:b@file:x",
					  "npm:",
					  "1.0.0#x",
					  "$(x)",
					  "git@h:u/r",
					  "1\n2"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(npm_spec_ok(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (npm_spec_ok(bad[i])) {
			fail_msg("'%s' is accepted", bad[i]);
		}
	}
}

static void test_manifest(void **state)
{
	char *text = lock("\"node_modules/a\":{" A "}");

	(void)state;
	refuses_with("{\"dependencies\":{\"a\":\"^1.0.1\"}}", text, "does not fit");
	refuses_with("{\"dependencies\":{\"a\":\"^1.0.0\",\"b\":\"1\"}}", text, "does not fit");
	refuses_with("{}", text, "does not fit");
	refuses_with("{\"dependencies\":{\"a\":\"file:x\"}}", text, "not from the registry");
	refuses_with("{\"dependencies\":{\"a\":1}}", text, "not from the registry");
	refuses_with("{\"dependencies\":[\"a\"]}", text, "does not fit");
	refuses_with("{\"dependencies\":{\"a\":\"^1.0.0\"},\"workspaces\":[\"x\"]}", text,
		     "workspaces");
	refuses_with("{\"dependencies\":{\"a\":\"^1.0.0\"},\"overrides\":{\"b\":{\".\":\"u/r\"}}}",
		     text, "override");
	refuses_with("[]", text, "package.json");
	refuses_with("{", text, "package.json");
	refuses_with("{\"dependencies\":{\"a\":\"^1.0.0\"},\"dependencies\":{}}", text,
		     "package.json");
	free(text);
}

static void test_files(void **state)
{
	char *huge = calloc(1, LOCKFILE_MAX_BYTES + 2);

	(void)state;
	refuses_with(WANT_A, "", "package-lock.json");
	refuses_with(WANT_A, "{}", "version 2 or 3");
	refuses_with(WANT_A, "{\"lockfileVersion\":1,\"packages\":{}}", "version 2 or 3");
	refuses_with(WANT_A, "{\"lockfileVersion\":3,\"packages\":[]}", "version 2 or 3");
	refuses_with("{}", "{\"lockfileVersion\":3,\"packages\":{}}", "no dependencies");
	memset(huge, ' ', LOCKFILE_MAX_BYTES + 1);
	refuses_with(WANT_A, huge, "package-lock.json");
	free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_same_tree_same_text),
		cmocka_unit_test(test_what_it_may_have),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_bundles),
		cmocka_unit_test(test_optional),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
