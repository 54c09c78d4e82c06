/* What is run for a workspace: package.json, lockfiles, entry files; and yarn.lock's addresses. */

#include "cleanup.h"
#include "fs.h"
#include "manifest.h"
#include "plan.h"
#include "unit.h"
#include "yarn_lock.h"

#include <ftw.h>
#include <sys/stat.h>

struct place {
	char dir[32];
	struct workspace w;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct err e;

	strcpy(p->dir, "/tmp/plan-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	assert_ok(workspace_open(&p->w, p->dir, geteuid(), &e));
	*state = p;
	return 0;
}

static int unlink_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

static int teardown(void **state)
{
	struct place *p = *state;

	close(p->w.dir_fd);
	nftw(p->dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
	free(p);
	return 0;
}

static void put(const struct place *p, const char *path, const char *text)
{
	struct err e;

	assert_ok(workspace_put(&p->w, path, 0644, text, strlen(text), &e));
}

static void check_plan(const struct place *p, const char *install, const char *command)
{
	struct plan plan;
	struct err e;
	json_t *json;

	assert_ok(plan_make(&p->w, &plan, &e));
	json = plan_json(&plan, plan.lockfile != NULL);
	assert_string_equal(json_string_value(json_object_get(json, "command")), command);
	if (install) {
		assert_string_equal(json_string_value(json_object_get(json, "install")), install);
	} else {
		assert_true(json_is_null(json_object_get(json, "install")));
	}
	json_decref(json);
}

static void scripts_are_chosen_in_order(void **state)
{
	put(*state, "package.json",
	    "{\"scripts\":{\"serve\":\"c\",\"start\":\"b\",\"dev\":\"a\"}}");
	check_plan(*state, NULL, "npm run dev");
	put(*state, "package.json",
	    "{\"scripts\":{\"serve\":\"c\",\"start\":\"b\",\"dev\":\" \"}}");
	check_plan(*state, NULL, "npm run start");
	put(*state, "package.json", "{\"scripts\":{\"serve\":\"c\",\"build\":\"b\",\"dev\":7}}");
	check_plan(*state, NULL, "npm run serve");
}

static void the_lockfile_says_who_installs(void **state)
{
	static const char with[] =
		"{\"scripts\":{\"dev\":\"a\"},\"devDependencies\":{\"x\":\"1\"}}";

	put(*state, "package.json", with);
	check_plan(*state, "npm install --no-audit --no-fund", "npm run dev");
	put(*state, "yarn.lock", "# yarn lockfile v1\n");
	check_plan(*state, "yarn install --non-interactive --frozen-lockfile", "yarn run dev");
	put(*state, "yarn.lock", "# generated\n\n__metadata:\n  version: 8\n");
	check_plan(*state, "yarn install --immutable", "yarn run dev");
	put(*state, "pnpm-lock.yaml", "lockfileVersion: '9.0'\n");
	check_plan(*state, "pnpm install --frozen-lockfile", "pnpm run dev");
	put(*state, "package-lock.json", "{}");
	check_plan(*state, "npm ci --no-audit --no-fund", "npm run dev");
}

static void without_a_lockfile_package_manager_counts(void **state)
{
	put(*state, "package.json",
	    "{\"scripts\":{\"dev\":\"a\"},\"packageManager\":\"pnpm@10.0.0+sha512.aa\"}");
	check_plan(*state, "pnpm install --no-frozen-lockfile", "pnpm run dev");
	put(*state, "package.json", "{\"scripts\":{\"dev\":\"a\"},\"packageManager\":\"yarn@1\"}");
	check_plan(*state, "yarn install --non-interactive --pure-lockfile", "yarn run dev");
	put(*state, "package.json", "{\"scripts\":{\"dev\":\"a\"},\"packageManager\":\"bun@1\"}");
	check_plan(*state, NULL, "npm run dev");
}

static void pages_and_entry_files_need_no_script(void **state)
{
	put(*state, "src/index.ts", "x");
	check_plan(*state, NULL, "node --watch src/index.ts");
	put(*state, "server.js", "x");
	check_plan(*state, NULL, "node --watch server.js");
	put(*state, "package.json", "{\"main\":\"./lib/\"}");
	put(*state, "lib/index.js", "x");
	check_plan(*state, NULL, "node --watch lib/index.js");
	put(*state, "index.html", "x");
	check_plan(*state, NULL, "sirv . --dev --host 127.0.0.1 --port 3000");
}

static void a_public_directory_comes_last(void **state)
{
	put(*state, "public/index.html", "x");
	check_plan(*state, NULL, "sirv public --dev --host 127.0.0.1 --port 3000");
	put(*state, "app.js", "x");
	check_plan(*state, NULL, "node --watch app.js");
}

static void an_installation_is_remembered_until_something_changes(void **state)
{
	const struct place *p = *state;
	struct plan plan;
	struct err e;

	put(p, "package.json", "{\"scripts\":{\"dev\":\"a\"},\"dependencies\":{\"x\":\"1\"}}");
	assert_ok(plan_make(&p->w, &plan, &e));
	assert_true(plan.install);
	assert_ok(workspace_mkdirs(&p->w, "node_modules", &e));
	/* npm makes a lockfile meanwhile: it belongs to what was installed. */
	put(p, "package-lock.json", "{\"lockfileVersion\": 3}");
	plan_write_stamp(&plan, &p->w);
	check_plan(p, NULL, "npm run dev");
	put(p, "package-lock.json", "{\"lockfileVersion\": 2}");
	check_plan(p, "npm ci --no-audit --no-fund", "npm run dev");
}

static void what_changed_while_installing_is_installed_again(void **state)
{
	const struct place *p = *state;
	struct plan plan;
	struct err e;

	put(p, "package.json", "{\"scripts\":{\"dev\":\"a\"},\"dependencies\":{\"x\":\"1\"}}");
	assert_ok(plan_make(&p->w, &plan, &e));
	assert_ok(workspace_mkdirs(&p->w, "node_modules", &e));
	put(p, "package.json", "{\"scripts\":{\"dev\":\"a\"},\"dependencies\":{\"y\":\"1\"}}");
	plan_write_stamp(&plan, &p->w);
	check_plan(p, "npm install --no-audit --no-fund", "npm run dev");
}

static void what_cannot_be_planned_is_said(void **state)
{
	static const char *const bad[] = {"", "{", "[]", "\"x\"", "{\"a\":\"\\u0000\"}", "\xff"};
	const struct place *p = *state;
	struct plan plan;
	struct err e;

	assert_err(plan_make(&p->w, &plan, &e), ERR_NOT_FOUND);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put(p, "package.json", bad[i]);
		assert_err(plan_make(&p->w, &plan, &e), ERR_INVALID);
		assert_non_null(strstr(e.text, "package.json"));
	}
	put(p, "package.json",
	    "{\"scripts\":[],\"main\":\"../../etc/passwd\",\"packageManager\":7}");
	assert_err(plan_make(&p->w, &plan, &e), ERR_NOT_FOUND);
}

static void what_is_no_file_is_not_read(void **state)
{
	const struct place *p = *state;
	struct plan plan;
	struct err e;

	assert_int_equal(mkfifoat(p->w.dir_fd, "package.json", 0644), 0);
	assert_err(plan_make(&p->w, &plan, &e), ERR_INVALID);
	assert_int_equal(unlinkat(p->w.dir_fd, "package.json", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", p->w.dir_fd, "package.json"), 0);
	assert_err(plan_make(&p->w, &plan, &e), ERR_INVALID);
}

static void a_manifest_with_a_byte_order_mark_is_read(void **state)
{
	static const char text[] = "\xef\xbb\xbf{\"scripts\":{\"start\":\"x\"}}";
	struct manifest m = {0};
	struct err e;

	(void)state;
	assert_ok(manifest_parse(text, strlen(text), &m, &e));
	assert_string_equal(m.script, "start");
}

static void yarn_lock_is_pointed_elsewhere_and_back(void **state)
{
	static const char text[] =
		"# yarn lockfile v1\n\n\"@s/a@^1\":\n  version \"1.0.0\"\n"
		"  resolved \"https://r.example/@s/a/-/a-1.0.0.tgz#00ff\"\n  integrity sha512-x\n\n"
		"b@2:\n  version \"2.0.0\"\n  resolved \"https://r.example/b/-/b-2.0.0.tgz#01\"\n\n"
		"c@git:\n  resolved \"git+ssh://git@x/c.git#02\"\n"
		"d@file:\n  resolved \"https://code.example/d.tgz\"";
	const struct place *p = *state;
	char origin[YARN_LOCK_ORIGIN_MAX_BYTES], again[YARN_LOCK_ORIGIN_MAX_BYTES];
	auto_strbuf now = {0};
	auto_close int fd = -1;
	uint64_t size;
	struct err e;

	strbuf_init(&now, 4096);
	assert_int_equal(yarn_lock_rewrite(text, "http://10.0.0.1:4873/", &now, origin), 1);
	assert_string_equal(origin, "https://r.example/");
	assert_non_null(strstr(now.data, "\"http://10.0.0.1:4873/@s/a/-/a-1.0.0.tgz#00ff\""));
	assert_non_null(strstr(now.data, "\"http://10.0.0.1:4873/b/-/b-2.0.0.tgz#01\""));
	assert_non_null(strstr(now.data, "\"git+ssh://git@x/c.git#02\""));
	assert_non_null(strstr(now.data, "\"https://code.example/d.tgz\""));

	put(p, "yarn.lock", text);
	yarn_lock_point_at(&p->w, "http://10.0.0.1:4873/", origin);
	yarn_lock_point_at(&p->w, origin, again);
	assert_string_equal(again, "http://10.0.0.1:4873/");
	strbuf_reset(&now);
	assert_ok(workspace_open_file(&p->w, "yarn.lock", &fd, &size, &e));
	assert_ok(fs_read_fd(fd, &now, &e));
	assert_string_equal(now.data, text);
}

/* Found by fuzzing: a host that looks like a scope was taken for one, so the origin was "http://".
 */
static void an_origin_has_a_host(void **state)
{
	static const struct {
		const char *url, *origin;
	} odd[] = {
		{"http://@s/a/-/a-1.tgz", "http://@s/"},
		{"https://@s/a/-/a-1.tgz", "https://@s/"},
		{"http://@s/@t/a/-/a-1.tgz", "http://@s/"},
		{"http:///a/-/a-1.tgz", ""},
		{"https:///a/-/a-1.tgz", ""},
		{"http://-/a-1.tgz", ""},
		{"http://host/-/a-1.tgz", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		char text[80], origin[YARN_LOCK_ORIGIN_MAX_BYTES];
		auto_strbuf now = {0};

		strbuf_init(&now, 256);
		snprintf(text, sizeof(text), "  resolved \"%s\"\n", odd[i].url);
		assert_int_equal(yarn_lock_rewrite(text, "http://10.0.0.1:4873/", &now, origin),
				 odd[i].origin[0] != '\0');
		assert_string_equal(origin, odd[i].origin);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(scripts_are_chosen_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(the_lockfile_says_who_installs, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_lockfile_package_manager_counts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pages_and_entry_files_need_no_script, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_public_directory_comes_last, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_installation_is_remembered_until_something_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_changed_while_installing_is_installed_again,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_planned_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_file_is_not_read, setup, teardown),
		cmocka_unit_test(a_manifest_with_a_byte_order_mark_is_read),
		cmocka_unit_test_setup_teardown(yarn_lock_is_pointed_elsewhere_and_back, setup,
						teardown),
		cmocka_unit_test(an_origin_has_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
