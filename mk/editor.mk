# The web editor: static files in $(BUILD)/editor, with a .gz beside each that nginx sends instead
# (gzip_static). Rebuilt only when its sources or what it is made with have changed.

.PHONY: editor editor-check test-editor screenshots

EDITOR_NODE := 22.12
EDITOR      := $(BUILD)/editor
editor_src  := $(shell find editor/src editor/public ! -name '*.test.ts' ! -name '*.test.tsx') \
	editor/index.html editor/vite.config.ts editor/tsconfig.json editor/package.json

editor: $(EDITOR)/index.html

# Two at once would undo each other's work: the second waits, and finds it done.
editor/node_modules/.package-lock.json: editor/package-lock.json
	@echo "  NPM  editor"
	$(Q)cd editor && flock package-lock.json sh -c '[ node_modules/.package-lock.json -nt package-lock.json ] || \
		{ ../scripts/npm $(EDITOR_NODE) ci --loglevel=error --ignore-scripts && touch node_modules/.package-lock.json; }'

# The old one stays until the new one is whole. A .gz depends on nothing but its file (no name, no time).
$(EDITOR)/index.html: $(editor_src) editor/node_modules/.package-lock.json
	@echo "  VITE editor"
	@mkdir -p $(BUILD)
	$(Q)cd editor && ../scripts/node $(EDITOR_NODE) node_modules/vite/bin/vite.js build --logLevel warn \
		--outDir "$(abspath $(EDITOR)).new" --emptyOutDir
	@echo "  GZIP editor"
	$(Q)find $(EDITOR).new -type f -regextype posix-extended -regex '.*\.(js|css|html|svg|ttf|json)' \
		-exec gzip -9 -n -k -f {} +
	$(Q)rm -rf $(EDITOR)
	$(Q)mv -T $(EDITOR).new $(EDITOR)
	@touch $@

# Types, house rules, form.
editor-check: editor/node_modules/.package-lock.json
	cd editor && ../scripts/node $(EDITOR_NODE) node_modules/typescript/bin/tsc --noEmit
	cd editor && ../scripts/node $(EDITOR_NODE) node_modules/eslint/bin/eslint.js .
	cd editor && ../scripts/node $(EDITOR_NODE) node_modules/prettier/bin/prettier.cjs --check --log-level warn .

test-editor: editor/node_modules/.package-lock.json
	cd editor && ../scripts/node $(EDITOR_NODE) node_modules/vitest/vitest.mjs run

# Pictures of it for the README, in docs/img/.
screenshots: all editor
	tests/node tests/screenshots.mjs
