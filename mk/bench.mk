# make bench: ratios measured side by side in one run, printed and kept under build/bench/.

.PHONY: bench
bench: all editor
	scripts/packages bench
	node bench/execute.mjs
	node bench/router.mjs
	node bench/preview.mjs
	tests/node bench/editor.mjs
