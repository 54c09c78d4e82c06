#include "assets.h"

#include "cleanup.h"

#include <stdint.h>
#include <string.h>

/* Paths are relative to where the compiler runs: the top of the tree. */
#define EMBED(name, file)                                                                          \
	__asm__(".pushsection .rodata\n"                                                           \
		".balign 8\n"                                                                      \
		".global asset_" #name ", asset_" #name "_len\n"                                   \
		"asset_" #name "_len: .quad 2f - 1f\n"                                             \
		"asset_" #name ":\n1: .incbin \"" file "\"\n2: .byte 0\n"                          \
		".popsection\n");                                                                  \
	extern const char asset_##name[] __attribute__((visibility("hidden")));                    \
	extern const uint64_t asset_##name##_len __attribute__((visibility("hidden")))

EMBED(css, "preview-router/page/live.css");
EMBED(js, "preview-router/page/live.js");
EMBED(inspect, "preview-router/page/inspect.js");

const struct asset *asset_find(const char *path, size_t len)
{
	static struct asset assets[] = {
		{"live.css", false, "text/css; charset=utf-8", asset_css, 0},
		{"live.js", false, "text/javascript; charset=utf-8", asset_js, 0},
		{"inspect.js", true, "text/javascript; charset=utf-8", asset_inspect, 0},
	};

	assets[0].len = asset_css_len;
	assets[1].len = asset_js_len;
	assets[2].len = asset_inspect_len;
	for (size_t i = 0; i < ARRAY_LEN(assets); i++) {
		if (strlen(assets[i].path) == len && memcmp(assets[i].path, path, len) == 0) {
			return &assets[i];
		}
	}
	return NULL;
}
