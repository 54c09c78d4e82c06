#include "manifest.h"

#include "cleanup.h"
#include "npm_names.h"

/* npm runs these of the project itself, which a shared tree has no part in. */
static const char *const install_scripts[] = {"preinstall",  "install",	    "postinstall",
					      "prepublish",  "preprepare",  "prepare",
					      "postprepare", "dependencies"};
const char *const manifest_dependency_fields[DEPENDENCY_FIELDS] = {
	"dependencies", "optionalDependencies", "peerDependencies", "devDependencies"};

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

/* {"name": "range"…} */
int manifest_check_specs(json_t *specs, const char *of, struct err *e)
{
	const char *name;
	json_t *spec;

	if (!json_is_object(specs)) {
		return err_set(e, ERR_UNPROCESSABLE, "the dependencies of %.214s are no object",
			       of);
	}
	json_object_foreach(specs, name, spec)
	{
		if (!npm_name_ok(name)) {
			return err_set(e, ERR_UNPROCESSABLE,
				       "%.214s depends on something with an unusual name", of);
		}
		if (!json_is_string(spec) || !npm_spec_ok(json_string_value(spec))) {
			return err_set(e, ERR_UNPROCESSABLE, "%.214s is not from the registry",
				       name);
		}
	}
	return 0;
}

/* Ranges by name, at any depth: {"a": "1", "b": {".": "2", "c": "$c"}}. */
static int check_overrides(json_t *overrides, struct err *e)
{
	const char *name;
	json_t *value;

	json_object_foreach(overrides, name, value)
	{
		const char *text = json_string_value(value);

		if (json_is_object(value)) {
			if (check_overrides(value, e) < 0) {
				return -1;
			}
		} else if (!text || !npm_spec_ok(text[0] == '$' ? "" : text)) {
			return refuse(e, "an override is not from the registry");
		}
	}
	return 0;
}

static int check_scripts(json_t *manifest, struct err *e)
{
	json_t *scripts = json_object_get(manifest, "scripts");

	for (size_t i = 0; i < ARRAY_LEN(install_scripts); i++) {
		if (json_object_get(scripts, install_scripts[i])) {
			return err_set(e, ERR_UNPROCESSABLE,
				       "package.json has a script \"%s\", which an installation "
				       "runs",
				       install_scripts[i]);
		}
	}
	return 0;
}

int manifest_build(json_t *manifest, json_t *to, struct err *e)
{
	json_t *overrides = json_object_get(manifest, "overrides");
	json_t *meta = json_object_get(manifest, "peerDependenciesMeta");

	if (json_object_get(manifest, "workspaces")) {
		return refuse(e, "the project has workspaces");
	}
	if (check_scripts(manifest, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < DEPENDENCY_FIELDS; i++) {
		json_t *specs = json_object_get(manifest, manifest_dependency_fields[i]);

		if (specs && json_object_size(specs) != 0 &&
		    (manifest_check_specs(specs, "package.json", e) < 0 ||
		     put(to, manifest_dependency_fields[i], specs, e) < 0)) {
			return -1;
		}
	}
	if (overrides && (!json_is_object(overrides) || check_overrides(overrides, e) < 0)) {
		return refuse(e, "an override is not from the registry");
	}
	if ((overrides && put(to, "overrides", overrides, e) < 0) ||
	    (meta && put(to, "peerDependenciesMeta", meta, e) < 0)) {
		return -1;
	}
	return 0;
}
