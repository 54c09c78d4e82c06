#include "projects/content_type.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define UTF8 "; charset=utf-8"

static const struct {
	const char *extension, *type;
} types[] = {
	{"avif", "image/avif"},		 {"css", "text/css" UTF8},
	{"csv", "text/csv" UTF8},	 {"gif", "image/gif"},
	{"html", "text/html" UTF8},	 {"ico", "image/vnd.microsoft.icon"},
	{"jpeg", "image/jpeg"},		 {"jpg", "image/jpeg"},
	{"js", "text/javascript" UTF8},	 {"cjs", "text/javascript" UTF8},
	{"mjs", "text/javascript" UTF8}, {"json", "application/json"},
	{"jsx", "text/plain" UTF8},	 {"md", "text/markdown" UTF8},
	{"pdf", "application/pdf"},	 {"png", "image/png"},
	{"sh", "text/plain" UTF8},	 {"svg", "image/svg+xml"},
	{"ts", "text/plain" UTF8},	 {"tsx", "text/plain" UTF8},
	{"txt", "text/plain" UTF8},	 {"wasm", "application/wasm"},
	{"webp", "image/webp"},		 {"woff", "font/woff"},
	{"woff2", "font/woff2"},	 {"xml", "application/xml"},
	{"yaml", "text/plain" UTF8},	 {"yml", "text/plain" UTF8},
};

const char *content_type_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcasecmp(dot + 1, types[i].extension)) {
			return types[i].type;
		}
	}
	return "application/octet-stream";
}
