#include "assets.h"

#include "cleanup.h"

#include <string.h>

/* Paths are relative to where the compiler runs: the top of the tree. */
#define EMBED(name, file)                                                                          \
	__asm__(".section .rodata\n"                                                               \
		".global asset_" #name "\n.global asset_" #name "_end\n"                           \
		"asset_" #name ":\n.incbin \"" file "\"\n"                                         \
		"asset_" #name "_end:\n.byte 0\n"                                                  \
		".text\n");                                                                        \
	extern const char asset_##name[] __attribute__((visibility("hidden")));                    \
	extern const char asset_##name##_end[] __attribute__((visibility("hidden")))

EMBED(css, "preview-router/page/live.css");
EMBED(js, "preview-router/page/live.js");

const struct asset *asset_find(const char *path, size_t len)
{
	static struct asset assets[] = {
		{"live.css", "text/css; charset=utf-8", asset_css, 0},
		{"live.js", "text/javascript; charset=utf-8", asset_js, 0},
	};

	assets[0].len = (size_t)(asset_css_end - asset_css);
	assets[1].len = (size_t)(asset_js_end - asset_js);
	for (size_t i = 0; i < ARRAY_LEN(assets); i++) {
		if (strlen(assets[i].path) == len && memcmp(assets[i].path, path, len) == 0) {
			return &assets[i];
		}
	}
	return NULL;
}
