#include "plan.h"

#include "cleanup.h"
#include "fs.h"
#include "identity.h"
#include "manifest.h"
#include "plan_stamp.h"

#include <string.h>
#include <sys/stat.h>

#define STAMP_FILE "node_modules/.slipway-installed"

static const struct {
	const char *file;
	enum plan_manager manager;
} lockfiles[] = {
	{"package-lock.json", PLAN_NPM},
	{"npm-shrinkwrap.json", PLAN_NPM},
	{"pnpm-lock.yaml", PLAN_PNPM},
	{"yarn.lock", PLAN_YARN},
};

static const char *const manager_names[] = {
	[PLAN_NO_MANAGER] = NULL, [PLAN_NPM] = "npm", [PLAN_PNPM] = "pnpm", [PLAN_YARN] = "yarn"};

/* Node runs TypeScript whose types can just be left out. */
static const char *const entries[] = {
	"index.js",	 "server.js",  "app.js",      "main.js",       "index.mjs",
	"server.mjs",	 "app.mjs",    "main.mjs",    "index.cjs",     "server.cjs",
	"index.ts",	 "server.ts",  "app.ts",      "main.ts",       "src/index.js",
	"src/server.js", "src/app.js", "src/main.js", "src/index.mjs", "src/index.ts",
	"src/server.ts", "src/app.ts", "src/main.ts",
};

/* Where a page may lie that nothing serves: the first is before all entry files, the others after.
 */
static const char *const page_directories[] = {".", "public", "dist", "build"};

static bool is_file(const struct workspace *w, const char *path)
{
	struct err ignored;
	uint64_t size;
	int fd;

	if (workspace_open_file(w, path, &fd, &size, &ignored) < 0) {
		return false;
	}
	close(fd);
	return true;
}

static bool has_page(const struct workspace *w, const char *dir)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/index.html", dir);
	return is_file(w, strcmp(dir, ".") == 0 ? "index.html" : path);
}

/* 1: it was read, 0: there is none. */
static int read_manifest(const struct workspace *w, struct manifest *ret, struct err *e)
{
	auto_strbuf text = {0};
	auto_close int fd = -1;
	uint64_t size;

	if (workspace_open_file(w, "package.json", &fd, &size, e) < 0) {
		return e->kind == ERR_NOT_FOUND ? 0 : err_prefix(e, "package.json");
	}
	strbuf_init(&text, MANIFEST_MAX_BYTES);
	if (fs_read_fd(fd, &text, e) < 0) {
		return err_prefix(e, "package.json");
	}
	return manifest_parse(text.data, text.len, ret, e) < 0 ? -1 : 1;
}

static void choose_manager(struct plan *p, const struct workspace *w, const struct manifest *m)
{
	p->manager = PLAN_NPM;
	for (size_t i = 0; i < ARRAY_LEN(lockfiles); i++) {
		if (is_file(w, lockfiles[i].file)) {
			p->manager = lockfiles[i].manager;
			p->lockfile = lockfiles[i].file;
			break;
		}
	}
	for (size_t i = PLAN_NPM; !p->lockfile && i < ARRAY_LEN(manager_names); i++) {
		if (strcmp(m->manager, manager_names[i]) == 0) {
			p->manager = (enum plan_manager)i;
		}
	}
	/* pnpm and yarn want to have installed even what depends on nothing. */
	p->install = m->has_dependencies || p->manager != PLAN_NPM;
}

/* A "main" may leave out its suffix, or name a directory. */
static bool find_main(struct plan *p, const struct workspace *w, const char *main)
{
	static const char *const suffixes[] = {"", ".js", "/index.js", ".cjs", ".mjs"};

	for (size_t i = 0; main[0] != '\0' && i < ARRAY_LEN(suffixes); i++) {
		(void)snprintf(p->entry, sizeof(p->entry), "%s%s", main, suffixes[i]);
		if (is_file(w, p->entry)) {
			return true;
		}
	}
	return false;
}

static bool find_entry(struct plan *p, const struct workspace *w, const char *main)
{
	if (find_main(p, w, main)) {
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		if (is_file(w, entries[i])) {
			(void)snprintf(p->entry, sizeof(p->entry), "%s", entries[i]);
			return true;
		}
	}
	return false;
}

static bool find_pages(struct plan *p, const struct workspace *w, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (has_page(w, page_directories[i])) {
			p->kind = PLAN_STATIC;
			(void)snprintf(p->entry, sizeof(p->entry), "%s", page_directories[i]);
			return true;
		}
	}
	return false;
}

static int choose_command(struct plan *p, const struct workspace *w, const struct manifest *m,
			  struct err *e)
{
	if (m->script) {
		p->kind = PLAN_SCRIPT;
		p->script = m->script;
		return 0;
	}
	if (find_pages(p, w, 0, 1)) {
		return 0;
	}
	if (find_entry(p, w, m->main)) {
		p->kind = PLAN_NODE;
		return 0;
	}
	if (find_pages(p, w, 1, ARRAY_LEN(page_directories))) {
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND,
		       "there is nothing to run: no script dev, start or serve in package.json, no "
		       "index.html, and no entry file such as index.js or server.js");
}

/* Whether node_modules was made from what lies there now. A shared tree beneath (another file
 * system) says nothing about itself and is asked about with shared_modules only. */
static bool is_installed(const struct plan *p, const struct workspace *w)
{
	char text[PLAN_STAMP_BYTES + 1] = "";
	auto_close int fd = -1;
	struct err ignored;
	uint64_t size;
	ssize_t n;

	if (workspace_open_file(w, STAMP_FILE, &fd, &size, &ignored) < 0) {
		return false;
	}
	n = read(fd, text, sizeof(text) - 1);
	return n == PLAN_STAMP_BYTES - 1 && strcmp(text, p->stamp) == 0;
}

int plan_make(const struct workspace *w, struct plan *ret, struct err *e)
{
	struct manifest m = {0};
	struct plan p = {0};
	int found = read_manifest(w, &m, e);

	if (found < 0 || choose_command(&p, w, &m, e) < 0) {
		return -1;
	}
	if (found) {
		choose_manager(&p, w, &m);
		if (plan_stamp_make(w, p.lockfile, manager_names[p.manager], p.stamp, &p.berry, e) <
		    0) {
			return -1;
		}
		p.install = p.install && !is_installed(&p, w);
	}
	*ret = p;
	return 0;
}

static void fill(const char **to, size_t n, const char *const *from)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
	}
	to[n] = NULL;
}

void plan_command(const struct plan *p, const char *ret_argv[PLAN_ARGS_MAX])
{
	const char *const script[] = {manager_names[p->manager], "run", p->script};
	const char *const pages[] = {"sirv",	  p->entry, "--dev", "--host",
				     "127.0.0.1", "--port", "3000"};
	const char *const node[] = {"node", "--watch", p->entry};

	switch (p->kind) {
	case PLAN_SCRIPT:
		fill(ret_argv, ARRAY_LEN(script), script);
		break;
	case PLAN_STATIC:
		fill(ret_argv, ARRAY_LEN(pages), pages);
		break;
	case PLAN_NODE:
		fill(ret_argv, ARRAY_LEN(node), node);
		break;
	}
}

void plan_install_command(const struct plan *p, bool frozen, const char *ret_argv[PLAN_ARGS_MAX])
{
	enum { NONE, NPM, PNPM, YARN, YARN_UNLOCKED, BERRY };
	static const char *const commands[][2][6] = {
		[NONE] = {{NULL}, {NULL}},
		[NPM] = {{"npm", "install", "--no-audit", "--no-fund"},
			 {"npm", "ci", "--no-audit", "--no-fund"}},
		[PNPM] = {{"pnpm", "install", "--no-frozen-lockfile"},
			  {"pnpm", "install", "--frozen-lockfile"}},
		/* A lockfile made here would point at the package cache. */
		[YARN_UNLOCKED] = {{"yarn", "install", "--non-interactive", "--pure-lockfile"},
				   {"yarn", "install", "--non-interactive", "--pure-lockfile"}},
		[YARN] = {{"yarn", "install", "--non-interactive"},
			  {"yarn", "install", "--non-interactive", "--frozen-lockfile"}},
		[BERRY] = {{"yarn", "install", "--no-immutable"},
			   {"yarn", "install", "--immutable"}},
	};
	static const int rows[] = {
		[PLAN_NO_MANAGER] = NONE, [PLAN_NPM] = NPM, [PLAN_PNPM] = PNPM, [PLAN_YARN] = YARN};
	bool unlocked = p->manager == PLAN_YARN && !p->lockfile;
	int row = p->berry ? BERRY : unlocked ? YARN_UNLOCKED : rows[p->manager];
	const char *const *command = commands[row][frozen];
	size_t n = 0;

	while (command[n]) {
		n++;
	}
	fill(ret_argv, n, command);
}

void plan_write_stamp(const struct plan *p, const struct workspace *w)
{
	struct plan now;
	struct stat st;
	struct err ignored;
	bool there;

	/* Installing may have made or changed the lockfile. When the manifest is another by now it
	 * was changed meanwhile, and what is there was not made from it. */
	if (plan_make(w, &now, &ignored) < 0 ||
	    strncmp(now.stamp, p->stamp, PLAN_STAMP_MANIFEST_BYTES) != 0) {
		return;
	}
	if (identity_enter(w->uid, &ignored) < 0) {
		return;
	}
	there = fstatat(w->dir_fd, "node_modules", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode);
	identity_leave();
	if (there &&
	    workspace_put(w, STAMP_FILE, 0644, now.stamp, strlen(now.stamp), &ignored) < 0) {
		/* Installed again at the next start: slower, but right. */
		return;
	}
}

static json_t *words(const char *const *argv)
{
	char text[PATH_MAX_BYTES + 256] = "";
	size_t len = 0;

	for (size_t i = 0; argv[i] && len < sizeof(text); i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "",
					argv[i]);
	}
	return json_string(text);
}

json_t *plan_json(const struct plan *p, bool frozen)
{
	static const char *const kinds[] = {
		[PLAN_SCRIPT] = "script", [PLAN_STATIC] = "static", [PLAN_NODE] = "node"};
	const char *command[PLAN_ARGS_MAX], *install[PLAN_ARGS_MAX];

	plan_command(p, command);
	plan_install_command(p, frozen, install);
	return json_pack("{s:s,s:s?,s:o,s:o}", "kind", kinds[p->kind], "manager",
			 manager_names[p->manager], "install",
			 p->install ? words(install) : json_null(), "command", words(command));
}
