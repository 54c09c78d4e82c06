#include "lockfile.h"

#include "cleanup.h"
#include "json.h"
#include "manifest.h"
#include "npm_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const flags[] = {"dev", "optional", "devOptional", "peer", "inBundle"};
static const char *const platforms[] = {"os", "cpu", "libc"};

struct check {
	const struct lockfile_input *in;
	json_t *packages; /* as given */
};

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_UNPROCESSABLE, "%s", why);
}

static int out_of_memory(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "out of memory");
}

/* Values are shared, not copied: whatever is made of them is only dumped. */
static int put(json_t *to, const char *name, json_t *value, struct err *e)
{
	return json_object_set(to, name, value) < 0 ? out_of_memory(e) : 0;
}

/* "major.minor" at least. */
static bool is_new_enough(const char *version, const char *least)
{
	unsigned int major = 0, minor = 0, want_major = 0, want_minor = 0;

	if (sscanf(least, "%9u.%9u", &want_major, &want_minor) < 1) {
		return true;
	}
	return sscanf(version, "%9u.%9u", &major, &minor) == 2 &&
	       (major > want_major || (major == want_major && minor >= want_minor));
}

/* A line of the list is a name and maybe the first version that is meant. */
static bool is_listed(const char *names, const char *name, const char *version)
{
	size_t len = strlen(name);

	for (const char *line = names; *line != '\0';) {
		size_t word = strcspn(line, "#\n \t");

		if (word == len && memcmp(line, name, len) == 0) {
			return is_new_enough(version, line + word + strspn(line + word, " \t"));
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return false;
}

/* Whether Node's way upwards from `path` comes past a package of that name. */
static bool is_found(const struct check *c, const char *path, const char *name)
{
	char at[2048];
	size_t len = strlen(path);

	for (;;) {
		const char *up = NULL;

		if (snprintf(at, sizeof(at), "%.*s%snode_modules/%s", (int)len, path,
			     len > 0 ? "/" : "", name) >= (int)sizeof(at)) {
			return false;
		}
		if (json_object_get(c->packages, at)) {
			return true;
		}
		if (len == 0) {
			return false;
		}
		for (const char *p = path; (p = strstr(p, "/node_modules/")) && p < path + len;
		     p++) {
			up = p;
		}
		len = up ? (size_t)(up - path) : 0;
	}
}

/* Packages of native code carry their platform in the name. */
static bool is_for_us(const struct check *c, const char *name)
{
	return strstr(name, "linux") && strstr(name, c->in->cpu) && !strstr(name, "musl");
}

/*
 * Optional packages that could not be had when the lockfile was made are not in it, though asked
 * for; "npm ci" would refuse it. They are left out, unless this machine is the one to need them: an
 * installation for the project alone may find them.
 */
static int put_optional(const struct check *c, const char *path, json_t *specs, json_t *to,
			struct err *e)
{
	auto_json *left = json_object();
	const char *name;
	json_t *spec;

	json_object_foreach(specs, name, spec)
	{
		if (is_found(c, path, name)) {
			if (put(left, name, spec, e) < 0) {
				return -1;
			}
		} else if (is_for_us(c, name)) {
			return err_set(e, ERR_UNPROCESSABLE,
				       "the lockfile lacks %.214s, which this machine may need",
				       name);
		}
	}
	return json_object_size(left) > 0 ? put(to, "optionalDependencies", left, e) : 0;
}

static int put_dependencies(const struct check *c, const char *path, json_t *entry, json_t *to,
			    struct err *e)
{
	for (size_t i = 0; i < DEPENDENCY_FIELDS - 1; i++) {
		json_t *specs = json_object_get(entry, manifest_dependency_fields[i]);

		if (!specs) {
			continue;
		}
		if (manifest_check_specs(specs, path, e) < 0) {
			return -1;
		}
		if (strcmp(manifest_dependency_fields[i], "optionalDependencies") == 0
			    ? put_optional(c, path, specs, to, e) < 0
			    : put(to, manifest_dependency_fields[i], specs, e) < 0) {
			return -1;
		}
	}
	return 0;
}

/* A string or some. */
static bool strings_ok(json_t *v)
{
	size_t i;
	json_t *item;

	if (json_is_string(v)) {
		return true;
	}
	json_array_foreach(v, i, item)
	{
		if (!json_is_string(item)) {
			return false;
		}
	}
	return json_is_array(v);
}

/* What matters to npm besides: for whom, and which commands. */
static int put_details(const char *path, json_t *entry, json_t *to, struct err *e)
{
	json_t *bin = json_object_get(entry, "bin");
	json_t *meta = json_object_get(entry, "peerDependenciesMeta");
	json_t *value;
	const char *name;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (json_is_true(json_object_get(entry, flags[i])) &&
		    put(to, flags[i], json_true(), e) < 0) {
			return -1;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(platforms); i++) {
		value = json_object_get(entry, platforms[i]);
		if (value && strings_ok(value) && put(to, platforms[i], value, e) < 0) {
			return -1;
		}
	}
	json_object_foreach(bin, name, value)
	{
		if (!json_is_string(value)) {
			return err_set(e, ERR_UNPROCESSABLE, "%.300s has an odd command", path);
		}
	}
	if ((json_is_object(bin) && put(to, "bin", bin, e) < 0) ||
	    (json_is_object(meta) && put(to, "peerDependenciesMeta", meta, e) < 0)) {
		return -1;
	}
	return 0;
}

/* Whether a package above brings this one along in its own tarball, as it then must say. */
static bool is_bundled(const struct check *c, const char *path)
{
	char above[2048];

	for (const char *p = path; (p = strstr(p, "/node_modules/")); p++) {
		json_t *entry, *bundle;

		(void)snprintf(above, sizeof(above), "%.*s", (int)(p - path), path);
		entry = json_object_get(c->packages, above);
		bundle = json_object_get(entry, "bundleDependencies");
		if (json_is_true(bundle) || json_array_size(bundle) > 0) {
			return true;
		}
	}
	return false;
}

/* Whether it is only for other systems, so that nothing of it gets here. */
static bool is_elsewhere(json_t *entry)
{
	json_t *os = json_object_get(entry, "os");
	size_t i;
	json_t *name;

	json_array_foreach(os, i, name)
	{
		const char *text = json_string_value(name);

		if (!text || text[0] == '!' || strcmp(text, "linux") == 0 ||
		    strcmp(text, "any") == 0) {
			return false;
		}
	}
	return json_array_size(os) > 0;
}

static int check_install_script(const struct check *c, const char *name, json_t *entry,
				struct err *e)
{
	const char *version = json_string_value(json_object_get(entry, "version"));

	if (json_is_true(json_object_get(entry, "hasInstallScript")) && !is_elsewhere(entry) &&
	    !is_listed(c->in->scripts_not_needed, name, version)) {
		return err_set(e, ERR_UNPROCESSABLE, "%.214s runs a script at its installation",
			       name);
	}
	return 0;
}

/* Which package it is: name, version, where from, and its hash. */
static int put_identity(const char *name, json_t *entry, json_t *to, struct err *e)
{
	const char *version = json_string_value(json_object_get(entry, "version"));
	const char *integrity = json_string_value(json_object_get(entry, "integrity"));
	json_t *resolved = json_object_get(entry, "resolved");
	char url[sizeof(LOCKFILE_REGISTRY) + 2 * NPM_NAME_MAX_BYTES + 300];

	if (!integrity || !npm_integrity_ok(integrity)) {
		return err_set(e, ERR_UNPROCESSABLE, "%.214s has no SHA-512 in the lockfile", name);
	}
	if (resolved && (!json_is_string(resolved) ||
			 !npm_tarball_ok(json_string_value(resolved), name, version))) {
		return err_set(e, ERR_UNPROCESSABLE,
			       "%.214s is not where a registry has it, or another package", name);
	}
	(void)snprintf(url, sizeof(url), LOCKFILE_REGISTRY "/%s/-/%s-%s.tgz", name,
		       npm_base_name(name), version);
	if (json_object_set_new(to, "resolved", json_string(url)) < 0) {
		return out_of_memory(e);
	}
	return put(to, "integrity", json_object_get(entry, "integrity"), e);
}

static int put_entry(const struct check *c, const char *path, json_t *entry, json_t *to,
		     struct err *e)
{
	const char *name, *alias = json_string_value(json_object_get(entry, "name"));
	json_t *version = json_object_get(entry, "version");

	if (strlen(path) >= 1800 || !npm_path_ok(path, &name)) {
		return refuse(e, "a package in the lockfile lies in an unusual place");
	}
	if (!json_is_object(entry) || json_object_get(entry, "link") ||
	    json_object_get(entry, "hasShrinkwrap")) {
		return err_set(e, ERR_UNPROCESSABLE, "%.214s is not from the registry", name);
	}
	if (alias) {
		if (!npm_name_ok(alias) || put(to, "name", json_object_get(entry, "name"), e) < 0) {
			return refuse(e, "a package in the lockfile has an unusual name");
		}
		name = alias;
	}
	if (!json_is_true(json_object_get(entry, "inBundle"))) {
		if (put_identity(name, entry, to, e) < 0) {
			return -1;
		}
	} else if (!is_bundled(c, path) || json_object_get(entry, "resolved")) {
		return err_set(e, ERR_UNPROCESSABLE, "nothing brings %.214s along", name);
	}
	if (!json_is_string(version) || !npm_version_ok(json_string_value(version))) {
		return err_set(e, ERR_UNPROCESSABLE, "%.214s has no plain version", name);
	}
	if (put(to, "version", version, e) < 0 ||
	    (json_object_get(entry, "bundleDependencies") &&
	     put(to, "bundleDependencies", json_object_get(entry, "bundleDependencies"), e) < 0)) {
		return -1;
	}
	if (check_install_script(c, name, entry, e) < 0 ||
	    put_dependencies(c, path, entry, to, e) < 0) {
		return -1;
	}
	return put_details(path, entry, to, e);
}

static int put_packages(const struct check *c, json_t *to, struct err *e)
{
	const char *path;
	json_t *entry;

	json_object_foreach(c->packages, path, entry)
	{
		json_t *made;

		if (path[0] == '\0') {
			continue;
		}
		made = json_object();
		if (json_object_set_new(to, path, made) < 0) {
			return out_of_memory(e);
		}
		if (put_entry(c, path, entry, made, e) < 0) {
			return -1;
		}
	}
	return 0;
}

/* What the lockfile says the project wants must be what it wants. */
static int check_root(json_t *root, json_t *manifest, struct err *e)
{
	for (size_t i = 0; i < DEPENDENCY_FIELDS; i++) {
		json_t *locked = json_object_get(root, manifest_dependency_fields[i]);
		json_t *wanted = json_object_get(manifest, manifest_dependency_fields[i]);

		if ((json_object_size(locked) > 0 || json_object_size(wanted) > 0) &&
		    !json_equal(locked, wanted)) {
			return refuse(e, "package-lock.json does not fit package.json");
		}
	}
	return 0;
}

static int build_lockfile(struct check *c, json_t *lockfile, json_t *manifest, json_t *to,
			  struct err *e)
{
	json_t *version = json_object_get(lockfile, "lockfileVersion");
	json_t *packages = json_object();

	if (json_object_set_new(to, "packages", packages) < 0 ||
	    json_object_set_new(to, "lockfileVersion", json_integer(3)) < 0 ||
	    json_object_set_new(to, "requires", json_true()) < 0) {
		return out_of_memory(e);
	}
	c->packages = json_object_get(lockfile, "packages");
	if (json_integer_value(version) < 2 || json_integer_value(version) > 3 ||
	    !json_is_object(c->packages)) {
		return refuse(e, "package-lock.json is not of version 2 or 3");
	}
	if (json_object_size(c->packages) > LOCKFILE_PACKAGES_MAX) {
		return refuse(e, "package-lock.json names too many packages");
	}
	if (check_root(json_object_get(c->packages, ""), manifest, e) < 0 ||
	    put(packages, "", manifest, e) < 0) {
		return -1;
	}
	return put_packages(c, packages, e);
}

static int dump(json_t *manifest, json_t *lockfile, struct lockfile_tree *ret, struct err *e)
{
	struct lockfile_tree t = {
		.manifest = json_dumps(manifest, JSON_COMPACT | JSON_SORT_KEYS),
		.lockfile = json_dumps(lockfile, JSON_COMPACT | JSON_SORT_KEYS),
		.packages = (int64_t)json_object_size(json_object_get(lockfile, "packages")) - 1,
	};

	if (!t.manifest || !t.lockfile) {
		lockfile_tree_fini(&t);
		return out_of_memory(e);
	}
	*ret = t;
	return 0;
}

static int parse(const char *what, const char *text, size_t len, size_t max, json_t **ret,
		 struct err *e)
{
	struct err why;

	if (json_parse(text, len, max, ret, &why) < 0) {
		return err_set(e, ERR_UNPROCESSABLE, "%s: %.300s", what, why.text);
	}
	return json_is_object(*ret) ? 0
				    : err_set(e, ERR_UNPROCESSABLE, "%s is no JSON object", what);
}

int lockfile_check(const struct lockfile_input *in, struct lockfile_tree *ret, struct err *e)
{
	auto_json *manifest = NULL, *lockfile = NULL;
	auto_json *new_manifest = json_object(), *new_lockfile = json_object();
	struct check c = {.in = in};

	if (parse("package.json", in->manifest, in->manifest_len, MANIFEST_MAX_BYTES, &manifest,
		  e) < 0 ||
	    parse("package-lock.json", in->lockfile, in->lockfile_len, LOCKFILE_MAX_BYTES,
		  &lockfile, e) < 0 ||
	    manifest_build(manifest, new_manifest, e) < 0 ||
	    build_lockfile(&c, lockfile, new_manifest, new_lockfile, e) < 0) {
		return -1;
	}
	if (json_object_size(json_object_get(new_lockfile, "packages")) < 2) {
		return refuse(e, "the project has no dependencies");
	}
	return dump(new_manifest, new_lockfile, ret, e);
}

void lockfile_tree_fini(struct lockfile_tree *t)
{
	free(t->manifest);
	free(t->lockfile);
	*t = (struct lockfile_tree){0};
}
