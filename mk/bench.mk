# make bench: ratios measured side by side in one run, printed and kept under build/bench/.

.PHONY: bench
bench: all editor
	scripts/packages bench
	tests/node bench/execute.mjs
	tests/node bench/router.mjs
	tests/node bench/preview.mjs
	tests/node bench/editor.mjs
