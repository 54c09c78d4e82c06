# make bench: ratios measured side by side in one run, printed and kept under build/bench/.

.PHONY: bench
bench: all
	node bench/execute.mjs
