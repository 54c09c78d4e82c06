#include "manifest.h"

#include "cleanup.h"

#include <jansson.h>
#include <string.h>

static const char *const scripts[] = {"dev", "start", "serve"};
static const char *const dependency_fields[] = {"dependencies", "devDependencies",
						"optionalDependencies", "peerDependencies",
						"workspaces"};

static const char *find_script(const json_t *root)
{
	const json_t *list = json_object_get(root, "scripts");

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		const char *text = json_string_value(json_object_get(list, scripts[i]));

		if (text && text[strspn(text, " \t\r\n")] != '\0') {
			return scripts[i];
		}
	}
	return NULL;
}

/* "./lib/index.js" and "lib/" are usual too. What is no path inside is as good as none. */
static void read_main(const json_t *root, char *ret)
{
	const char *text = json_string_value(json_object_get(root, "main"));
	struct err ignored;
	size_t len;

	ret[0] = '\0';
	if (!text) {
		return;
	}
	while (strncmp(text, "./", 2) == 0) {
		text += 2;
	}
	len = strlen(text);
	if (len > 0 && text[len - 1] == '/') {
		len--;
	}
	if (path_check(text, len, &ignored) == 0) {
		memcpy(ret, text, len);
		ret[len] = '\0';
	}
}

/* "pnpm@10.1.0+sha512.…" */
static void read_manager(const json_t *root, char *ret, size_t cap)
{
	const char *text = json_string_value(json_object_get(root, "packageManager"));
	size_t len = text ? strcspn(text, "@") : 0;

	ret[0] = '\0';
	if (len < cap) {
		memcpy(ret, text ? text : "", len);
		ret[len] = '\0';
	}
}

static bool has_dependencies(const json_t *root)
{
	for (size_t i = 0; i < ARRAY_LEN(dependency_fields); i++) {
		const json_t *field = json_object_get(root, dependency_fields[i]);

		if (json_object_size(field) > 0 || json_array_size(field) > 0) {
			return true;
		}
	}
	return false;
}

int manifest_parse(const char *text, size_t len, struct manifest *ret, struct err *e)
{
	json_error_t at;
	json_t *root;

	if (len > MANIFEST_MAX_BYTES) {
		return err_set(e, ERR_INVALID, "package.json is larger than 1 MiB");
	}
	/* Editors on Windows begin files with a byte order mark; npm does not mind. */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	root = json_loadb(text, len, 0, &at);
	if (!root) {
		return err_set(e, ERR_INVALID, "package.json is not valid JSON: line %d: %s",
			       at.line, at.text);
	}
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(e, ERR_INVALID, "package.json is not a JSON object");
	}
	ret->script = find_script(root);
	read_main(root, ret->main);
	read_manager(root, ret->manager, sizeof(ret->manager));
	ret->has_dependencies = has_dependencies(root);
	json_decref(root);
	return 0;
}
