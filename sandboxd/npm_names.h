#pragma once

/* The words of npm's files, from untrusted hands: what is accepted is what registries give out. */

#include <stdbool.h>
#include <stddef.h>

#define NPM_NAME_MAX_BYTES 214
#define NPM_SPEC_MAX_BYTES 512

/* "react", "@scope/name". */
bool npm_name_ok(const char *name);

/* "1.2.3", "1.2.3-beta.4". */
bool npm_version_ok(const char *version);

/* What a dependency may ask for from a registry: a range, a tag, or another package's of these
 * ("npm:name@range"). No file, directory, URL, repository or workspace. */
bool npm_spec_ok(const char *spec);

/* One SHA-512, "sha512-<base64>". */
bool npm_integrity_ok(const char *integrity);

/* A key of "packages": node_modules/<name>, any number of times. *ret_name: the last name in it. */
bool npm_path_ok(const char *path, const char **ret_name);

/* Whether the URL ends in "/<name>/-/<name without scope>-<version>.tgz". */
bool npm_tarball_ok(const char *url, const char *name, const char *version);

/* What comes behind the last slash of a name. */
const char *npm_base_name(const char *name);
